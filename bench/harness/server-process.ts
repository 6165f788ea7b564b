import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { answerParent } from "./child.ts";
import type { CasesModule } from "./http-case.ts";
import { startProfile, type ProfileEntry } from "./profile.ts";

/** Arguments: the URL of a file of cases, the case's name, the URL of a Redis. */
const [, , casesUrl = "", caseName = "", redisUrl = ""] = process.argv;

export type ServerQuestion = "url" | "cpu" | "start profile" | "end profile";
type ServerAnswer = string | number | readonly ProfileEntry[];

await answerParent(async () => {
  const url = await listen();
  let endProfile: (() => Promise<readonly ProfileEntry[]>) | undefined;
  return async (question: ServerQuestion): Promise<ServerAnswer> => {
    switch (question) {
      case "url":
        return url;
      case "cpu":
        return cpuMicroseconds();
      case "start profile":
        endProfile = await startProfile();
        return "started";
      case "end profile":
        return endProfile?.() ?? [];
    }
  };
});

async function listen(): Promise<string> {
  const { cases } = (await import(casesUrl)) as CasesModule;
  const at = cases.findIndex(({ name }) => name === caseName);
  const app = await cases[at]?.app({ url: redisUrl, prefix: `bench:${at}` });
  if (!app) throw new Error(`${casesUrl} has no case "${caseName}"`);
  const server = app.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

/** All threads of the process: the collector of garbage and the compiler are part of a request's price. */
function cpuMicroseconds(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

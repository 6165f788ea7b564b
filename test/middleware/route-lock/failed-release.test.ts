import { expect } from "chai";
import express, { type RequestHandler } from "express";
import { routeLock, type RouteLockOptions } from "express-redis-suite/route-lock";
import { StoreUnavailableError } from "express-redis-suite/stores/errors";
import { channels } from "express-redis-suite/telemetry";
import { ReplyError } from "ioredis";
import request from "supertest";
import { collectEvents } from "../../support/collect-events.ts";
import { eventually } from "../../support/eventually.ts";
import { locksWith } from "./lock-store-at-will.ts";

for (const form of ["routeLock", "routeLock.wrap"] as const) {
  /** What is published of a request whose lock the store does not take back, for example `lost`. */
  const outcomesOf = async (handler: RequestHandler, failure: Error, ttlMs = 5000): Promise<string[]> => {
    const { locks } = locksWith({ release: () => Promise.reject(failure) });
    const options: RouteLockOptions = { locks, key: () => "work", ttlMs };
    const locked = form === "routeLock" ? [routeLock(options), handler] : [routeLock.wrap(options, handler)];
    const events = await collectEvents(channels.routeLock, async () => {
      const answer = await request(express().post("/", ...locked)).post("/");
      if (ttlMs < 1000) expect([answer.status, answer.type]).to.deep.equal([503, "application/problem+json"]);
      else expect([answer.status, answer.text]).to.deep.equal([200, "done"]);
    });
    return events.map(({ outcome, code }) => (code === undefined ? outcome : `${outcome} ${code}`));
  };

  describe(`${form}, a lock that the store does not take back`, () => {
    it("is published as neither released nor lost, and its answer goes out", async () => {
      const outcomes = await outcomesOf(
        (_req, res) => void res.send("done"),
        new StoreUnavailableError("away"),
      );
      expect(outcomes).to.deep.equal(["acquired", "release-failed STORE_UNAVAILABLE"]);
    });

    it("is told to the handler that gives it back itself, and published once", async () => {
      const told: unknown[] = [];
      const away = new StoreUnavailableError("away");
      const outcomes = await outcomesOf(async (req, res) => {
        await req.lock?.release().catch((error: unknown) => told.push(error));
        res.send("done");
      }, away);
      expect(told).to.deep.equal([away]);
      expect(outcomes).to.deep.equal(["acquired", "release-failed STORE_UNAVAILABLE"]);
    });

    it("is lost, and no more than that, where its time was over before", async () => {
      const outcomes = await outcomesOf(
        async (req, res) => {
          await eventually(() => expect(req.lock?.signal.aborted).to.equal(true));
          if (!res.headersSent) res.send("done");
        },
        new StoreUnavailableError("away"),
        20,
      );
      expect(outcomes).to.deep.equal(["acquired", "lost"]);
    });

    it("is warned of with a code where that is no outage", async () => {
      // A cause that no other test has: a process is warned of each once.
      const cause = form === "routeLock" ? "NOTBUSY" : "UNKILLABLE";
      const warnings: NodeJS.ErrnoException[] = [];
      const note = (warning: Error): void => void warnings.push(warning);
      process.on("warning", note);
      try {
        const failure = new (ReplyError as ErrorConstructor)(`${cause} refused`);
        const outcomes = await outcomesOf((_req, res) => void res.send("done"), failure);
        expect(outcomes).to.deep.equal(["acquired", `release-failed ${cause}`]);
        await eventually(() => {
          const ours = warnings.filter(({ message }) => message.includes(cause));
          expect(ours.map(({ code }) => code)).to.deep.equal(["ERS_STORE_ERROR"]);
        });
      } finally {
        process.off("warning", note);
      }
    });
  });
}

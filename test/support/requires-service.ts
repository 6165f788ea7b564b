import { isInstalled } from "./services.mjs";

/**
 * Inside a `describe`: its tests are skipped where `program` is not installed, and fail there with `CI=true`, under
 * which every service has to be there.
 */
export function requiresService(program: string): void {
  before(function () {
    if (isInstalled(program)) return;
    if (process.env["CI"] === "true") throw new Error(`${program} is not installed`);
    this.skip();
  });
}

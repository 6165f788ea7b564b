import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { runInForeground } from "./foreground.mjs";
import { installationRefusal, installServices, missingServices } from "./services.mjs";

/** Makes node_modules what package-lock.json says, where it is not yet; `root` is the project's folder. */
export async function preparePackages(root) {
  const absent = absentPackage(root);
  if (absent === undefined) return;
  console.error(`installing node_modules (${absent} is not there as locked)`);
  // --json=false: the .npmrc wants json for `npm run`; here its summary would only be noise.
  const options = [
    "--include=dev",
    "--json=false",
    "--loglevel=error",
    "--no-audit",
    "--no-fund",
    "--prefix",
    root,
  ];
  const code = await runInForeground("npm", ["ci", ...options]);
  if (code !== 0) throw new Error(`npm ci ended with ${code}`);
}

/** The first package that the lock file asks for on this platform and node_modules has not, or not so. */
function absentPackage(root) {
  const locked = readLock(join(root, "package-lock.json"));
  const installed = readLock(join(root, "node_modules", ".package-lock.json"));
  return Object.keys(locked).find((path) => {
    if (path === "") return false;
    const { version, optional } = locked[path];
    // npm leaves out what is built for other platforms; all such packages are optional.
    if (installed[path] === undefined) return !optional;
    return installed[path].version !== version || !existsSync(join(root, path, "package.json"));
  });
}

function readLock(path) {
  return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")).packages : {};
}

/**
 * Installs the missing services where that is allowed, and says what stays untested where it is not.
 * With `CI=true` nothing may stay untested: it then throws.
 */
export async function prepareServices() {
  if (missingServices().length === 0) return;
  const refusal = installationRefusal();
  if (refusal === undefined) await installServices(missingServices());
  const missing = missingServices();
  if (missing.length === 0) return;
  const reason = refusal ?? "apt-get could not install it";
  for (const { program, needed } of missing) {
    console.error(`not tested: ${needed} (${program} is missing and ${reason})`);
  }
  if (process.env.CI === "true") {
    throw new Error(
      `with CI=true nothing is skipped; missing: ${missing.map(({ program }) => program).join(", ")}`,
    );
  }
}

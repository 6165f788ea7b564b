import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { preparePackages, prepareServices } from "./support/preparation.mjs";

// What `npm test` does before its first test, for those who want it alone: packages, then services.
try {
  await preparePackages(dirname(dirname(fileURLToPath(import.meta.url))));
  await prepareServices();
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}

import { writeFile } from "node:fs/promises";
import { dashboardJson } from "./express-redis-suite.ts";

// The JSON is committed, so that Grafana can be given the folder as it is; a test holds it to the TypeScript.
await writeFile(new URL("./express-redis-suite.json", import.meta.url), dashboardJson());

import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import express, { Router } from "express";
import { methodNotAllowed } from "../problem.ts";

/** What of the page's own folder goes out; its TypeScript does not. */
const STATIC_FILE = /(^\/|\.(html|css|svg|png|ico))$/;

/** The page at `/`: HTML and styles as they are written, scripts as they were compiled. */
export function pageRoutes(): Router {
  const router = Router();
  const root = projectRoot(dirname(fileURLToPath(import.meta.url)));
  // A folder has no page: redirected to, /rank/.. would be one.
  const written = express.static(join(root, "demo-app/web"), { redirect: false });
  router.use((req, res, next) => (STATIC_FILE.test(req.path) ? written(req, res, next) : next()));
  router.use(express.static(join(root, "dist/demo-app/web"), { index: false, redirect: false }));
  router.all("/", methodNotAllowed("GET"));
  return router;
}

/** This file lies at another depth once it is compiled. */
function projectRoot(folder: string): string {
  return existsSync(join(folder, "package.json")) ? folder : projectRoot(dirname(folder));
}

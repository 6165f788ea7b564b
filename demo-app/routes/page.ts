import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import express, { Router, type RequestHandler } from "express";
import { methodNotAllowed } from "../problem.ts";

/** What of the page's own folder goes out; its TypeScript does not. */
const WRITTEN = /(^\/|\.(html|css|svg|png|ico))$/;
const COMPILED = /\.js$/;

/**
 * The page at `/`: HTML and styles as they are written, scripts as they were compiled. No file is looked for unless the
 * path is named like one.
 */
export function pageRoutes(): Router {
  const router = Router();
  const root = projectRoot(dirname(fileURLToPath(import.meta.url)));
  // A folder has no page: redirected to, /rank/.. would be one.
  router.use(only(WRITTEN, express.static(join(root, "demo-app/web"), { redirect: false })));
  router.use(
    only(COMPILED, express.static(join(root, "dist/demo-app/web"), { index: false, redirect: false })),
  );
  router.all("/", methodNotAllowed("GET"));
  return router;
}

function only(names: RegExp, files: RequestHandler): RequestHandler {
  return (req, res, next) => (names.test(req.path) ? files(req, res, next) : next());
}

/** This file lies at another depth once it is compiled. */
function projectRoot(folder: string): string {
  return existsSync(join(folder, "package.json")) ? folder : projectRoot(dirname(folder));
}

import express, { type Request, type Response } from "express";
import {
  crossOriginProtection,
  type CrossOriginProtectionOptions,
} from "express-redis-suite/cross-origin-protection";
import { sendProblem, type Problem } from "express-redis-suite/problem";

const options: CrossOriginProtectionOptions = { trustedOrigins: ["https://admin.example.com"] };
const app = express();
app.use(crossOriginProtection(), crossOriginProtection(options));
// @ts-expect-error: no such option
crossOriginProtection({ origin: "https://admin.example.com" });
// @ts-expect-error: a list
crossOriginProtection({ trustedOrigins: "https://admin.example.com" });

const problem: Problem = {
  status: 404,
  title: "Not found",
  detail: "d",
  extensions: { id: 1 },
  retryAfterSeconds: 1,
};
app.get("/item/:id", (_req, res) => sendProblem(res, problem));
export function typed(_req: Request<{ id: string }>, res: Response<{ ok: boolean }, { user: string }>): void {
  sendProblem(res, { status: 409, title: "Conflict" });
}
// @ts-expect-error: a problem has a title
export const untitled: Problem = { status: 404 };

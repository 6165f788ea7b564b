import express, { type RequestHandler } from "express";
import { ProblemError } from "./problem.ts";

/** Far more than any request here needs. */
const BODY_LIMIT = "16kb";

/** Reads JSON bodies, and refuses any other. */
export function jsonBody(): readonly RequestHandler[] {
  return [requireJson, express.json({ limit: BODY_LIMIT, type: "application/json" })];
}

const requireJson: RequestHandler = (req, _res, next) => {
  // A browser sends Content-Length: 0 with a POST without a body.
  const empty = req.headers["content-length"] === "0";
  if (!empty && req.is("application/json") === false) {
    return next(new ProblemError(415, "The body must be application/json.", { Accept: "application/json" }));
  }
  next();
};

/** The body's members; none for a missing body, a list, or anything else that has no members. */
export function members(body: unknown): Readonly<Record<string, unknown>> {
  return typeof body === "object" && body !== null && !Array.isArray(body) ? { ...body } : {};
}

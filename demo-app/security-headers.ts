import type { RequestHandler } from "express";
import helmet from "helmet";

/**
 * Everything comes from this server, nothing is inline, nobody frames the page. The rest are helmet's own defaults,
 * without Strict-Transport-Security: the demo speaks plain HTTP on loopback, and what ends TLS before it decides.
 */
export function securityHeaders(): RequestHandler {
  const self = ["'self'"];
  const none = ["'none'"];
  return helmet({
    strictTransportSecurity: false,
    xFrameOptions: { action: "deny" },
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: none,
        scriptSrc: self,
        styleSrc: self,
        imgSrc: self,
        connectSrc: self,
        formAction: self,
        baseUri: none,
        frameAncestors: none,
        objectSrc: none,
      },
    },
  });
}

export { crossOriginProtection, type CrossOriginProtectionOptions } from "./cross-origin-protection.ts";

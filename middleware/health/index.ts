export {
  healthEndpoints,
  type CheckResult,
  type HealthEndpoints,
  type HealthEndpointsOptions,
} from "./health-endpoints.ts";

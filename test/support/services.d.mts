export interface Service {
  readonly program: string;
  readonly debian: string;
  readonly needed: string;
}
export declare const SERVICES: readonly Service[];
export declare const SKIP_SERVICES: string;
export declare function isInstalled(program: string): boolean;
export declare function missingServices(): Service[];
export declare function installationRefusal(): string | undefined;
export declare function installServices(services: readonly Service[]): Promise<void>;

/** The package has no types of its own. */
declare module "cluster-key-slot" {
  /** The Cluster slot, 0 to 16,383, of a key. */
  function slotOf(key: string): number;
  export = slotOf;
}

import type { Etcd3 } from "etcd3";
import type { EtcdConnection } from "./connection.ts";
import { Leases } from "./leases.ts";
import { OwnKeys } from "./own-keys.ts";
import { Places } from "./places.ts";
import { isAt, remove } from "./transactions.ts";
import { Turns } from "./turns.ts";

/** What one store knows of its own, shared by all of its operations. */
export interface Belongings {
  readonly leases: Leases;
  readonly own: OwnKeys;
  readonly places: Places;
  readonly turns: Turns;
}

export function createBelongings(client: Etcd3, connection: EtcdConnection): Belongings {
  const places = new Places();
  const turns = new Turns(client);
  const takeAway = (name: string, revision: number): Promise<unknown> =>
    connection.run((calls) => calls.transact({ compare: [isAt(name, revision)], success: [remove(name)] }));
  const forget = (name: string): void => {
    places.forget(name);
    turns.forget(name);
  };
  return { leases: new Leases(), own: new OwnKeys(takeAway, forget), places, turns };
}

/** For one who waits no longer. */
export function forgetPlace({ own, places, turns }: Belongings, place: string | undefined): void {
  if (place === undefined) return;
  own.delete(place);
  turns.forget(place);
  places.forget(place);
}

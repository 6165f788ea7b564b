import type { Guard, RedisClient } from "express-redis-suite/redis";
import { KEY_PREFIX } from "../config.ts";
import type { Passwords } from "./passwords.ts";

/** Letters that mean nothing to Redis, so that a name can stand in a key as it is. */
const USERNAME = /^[A-Za-z0-9_.-]{3,32}$/;

export function isUsername(text: string): boolean {
  return USERNAME.test(text);
}

/** Who may log in. Names differ by case. Both methods reject while Redis is away. */
export class Accounts {
  readonly #client: RedisClient;
  readonly #passwords: Passwords;
  readonly #guard: Guard;

  /** @param guard what every command of the accounts runs under */
  constructor(client: RedisClient, passwords: Passwords, guard: Guard) {
    this.#client = client;
    this.#passwords = passwords;
    this.#guard = guard;
  }

  /** Returns false for a name that is taken, whoever of two that ask at once is second. */
  async register(username: string, password: string): Promise<boolean> {
    const record = await this.#passwords.hash(password);
    const key = keyOf(username);
    return (await this.#guard(() => this.#client.set(key, record, "NX"), key)) === "OK";
  }

  /**
   * Whether this is the user's password. A name that nobody has takes as long as a wrong password; one that nobody can
   * have tells nothing, and costs nothing.
   */
  async authenticate(username: string, password: string): Promise<boolean> {
    if (!isUsername(username)) return false;
    const key = keyOf(username);
    const record = await this.#guard(() => this.#client.get(key), key);
    return this.#passwords.verify(password, record ?? undefined);
  }
}

function keyOf(username: string): string {
  return `${KEY_PREFIX}:account:{${username}}`;
}

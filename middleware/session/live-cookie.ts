import expressSession from "express-session";

/** A session's cookie, with what express-session's published types leave out. */
export interface LiveCookie {
  originalMaxAge: number | null;
  expires?: Date | null;
  secure?: boolean | "auto";
  /** Every attribute, as it is written and stored. */
  readonly data: Readonly<Record<string, unknown>>;
  /** The value of a Set-Cookie field. Throws a TypeError for an attribute that no cookie can have. */
  serialize(name: string, value: string): string;
}

export const LiveCookie: new (attributes: object) => LiveCookie = expressSession.Cookie as unknown as new (
  attributes: object,
) => LiveCookie;

/**
 * What a store answers, or undefined where it cannot be asked: the cache is then as good as empty. A TypeError is a
 * mistake of the caller, and is thrown.
 */
export async function unlessAway<Answer>(asked: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof TypeError) throw error;
    return undefined;
  }
}

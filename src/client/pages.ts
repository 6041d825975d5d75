import type { CallOptions, Connection } from './connection.ts';

/** A list that is read page by page, as far as somebody reads it. */
export async function* pages<T>(
  connection: Connection,
  path: string,
  { signal, ...query }: CallOptions & object,
): AsyncGenerator<T, void, undefined> {
  let cursor: string | undefined;
  do {
    const page: { data: T[]; nextCursor: string | null } = await connection.json({
      method: 'GET',
      path,
      query: { ...query, cursor },
      signal,
    });
    yield* page.data;
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
}

/** Something that is done some times in a row, under a name. */
export interface Visit {
  /** a route as OpenAPI names it, or a verb; then, in brackets, which of its ways */
  name: string;
  run: (turn: number) => Promise<void>;
}

/** Left to itself Postgres plans a statement anew five times on each connection: then comes the plan for any values. */
export const TURNS = 16;

/** What a process does, and so what it needs connections for. */
export interface ProcessRole {
  isApi: boolean;
  isWorker: boolean;
  /** uses the embedded Postgres, and counts itself there */
  isEmbedded?: boolean;
}

/** Connections of one process. */
export interface ConnectionSplit {
  /** writes, keys, the worker's own work */
  main: number;
  /** what is read for a tenant; none without an API */
  reads: number;
  /** slow work that nobody waits for */
  admin: number;
  /** kept for as long as the process lives: the bell's, the worker's lock, the lease of the embedded Postgres */
  sessions: number;
}

/** The smallest `DATABASE_MAX_CONNECTIONS` that has one of each for every role. */
export const FEWEST_CONNECTIONS = 6;

/** From here on the slow work gets a second one. */
const MANY = 12;

/** Divides `DATABASE_MAX_CONNECTIONS` among all that a process does. @param total at least {@link FEWEST_CONNECTIONS} */
export function splitConnections(total: number, { isApi, isWorker, isEmbedded = false }: ProcessRole): ConnectionSplit {
  const sessions = 1 + Number(isWorker) + Number(isEmbedded);
  const admin = total < MANY ? 1 : 2;
  const rest = total - sessions - admin;
  // Every request of a tenant asks for its key in the main pool, and half of them read nothing else.
  const reads = isApi ? Math.max(1, Math.floor(rest / 3)) : 0;
  return { main: rest - reads, reads, admin, sessions };
}

/** How many processes of each kind there are. */
export interface Fleet {
  serve: number;
  work: number;
  /** each on the embedded Postgres, or with a `DATABASE_URL` */
  up?: number;
}

interface BudgetInput {
  fleet: Fleet;
  /** `DATABASE_MAX_CONNECTIONS` of each process */
  each: number;
  /** Behind a pooler only the sessions reach the server; what the pooler opens is `others`. */
  isPooled?: boolean;
  /** connections that the server has for users like ours */
  maxConnections: number;
  /** of these, taken by other programs */
  others?: number;
}

export interface ConnectionBudget {
  /** what the fleet may open, and one command beside it */
  needed: number;
  /** what there is for it */
  available: number;
  /** the largest `DATABASE_MAX_CONNECTIONS` of each process that fits; below {@link FEWEST_CONNECTIONS} none does */
  largestEach: number;
}

/** Of a command such as `keys create`: its pool, and looking for migrations. */
const COMMAND_CONNECTIONS = 3;

/** Adds up what processes may open, and holds it against what the server has. */
export function connectionBudget(input: BudgetInput): ConnectionBudget {
  const { fleet, each, isPooled = false, maxConnections, others = 0 } = input;
  const { serve, work, up = 0 } = fleet;
  const sessionsOf = (role: ProcessRole) => splitConnections(each, role).sessions;
  const needed = isPooled
    ? serve * sessionsOf({ isApi: true, isWorker: false }) + (work + up) * sessionsOf({ isApi: true, isWorker: true })
    : (serve + work + up) * each;
  const available = Math.max(0, maxConnections - others);
  const processes = Math.max(1, serve + work + up);
  return {
    needed: needed + COMMAND_CONNECTIONS,
    available,
    largestEach: Math.max(0, Math.floor((available - COMMAND_CONNECTIONS) / processes)),
  };
}

/**
 * The chance that an arrival has to wait where `servers` serve Poisson arrivals (M/M/c, Erlang's C).
 * @param load servers kept busy on average: rate × mean service time
 */
export function waitProbability(servers: number, load: number): number {
  if (load >= servers) return 1;
  let blocking = 1; // Erlang's B, one server after the other
  for (let server = 1; server <= servers; server++) blocking = (load * blocking) / (server + load * blocking);
  return blocking / (1 - (load / servers) * (1 - blocking));
}

/** The fewest servers of which one is free for all but `chance` of the arrivals. */
export function fewestServers(load: number, chance: number): number {
  let servers = Math.max(1, Math.ceil(load));
  while (waitProbability(servers, load) > chance) servers++;
  return servers;
}

/** A version of a template, as its owner sees it. Times are ISO 8601 in UTC. */
export interface TemplateVersion {
  name: string;
  version: number;
  description: string | null;
  createdAt: string;
}

/** With what it consists of. */
export interface Template extends TemplateVersion {
  /** print settings, under those of a request */
  request: Record<string, unknown>;
  /** by the paths in its folder; `id` is the asset's hash */
  files: Record<string, { id: string; size: number; type: string }>;
}

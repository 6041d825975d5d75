/** One execution of a statement, as auto_explain wrote it down. */
export interface Plan {
  /** of the connection */
  application: string;
  text: string;
  /** what is done to which tables, whatever the words: `insert job, update lane, reading file` */
  shape: string;
  ms: number;
  /** blocks of tables and indexes that were looked at, in memory or not */
  buffers: number;
  /** kinds of its nodes, with the index or table where there is one */
  nodes: string[];
  /** tables that are read from end to end */
  scanned: string[];
}

/** What makes a server write every plan to `data/log/${PLANS}.json`, once `auto_explain.log_min_duration` is 0. */
export const PLAN_SETTINGS = [
  'shared_preload_libraries=auto_explain',
  'auto_explain.log_analyze=on',
  'auto_explain.log_buffers=on',
  'auto_explain.log_format=json',
  'auto_explain.log_nested_statements=on', // of functions, and of foreign keys
  'auto_explain.log_parameter_max_length=0',
  'logging_collector=on',
  'log_destination=jsonlog',
  'log_filename=plans.log',
  'log_rotation_age=0',
  'log_rotation_size=0',
];

interface PlanNode {
  'Node Type': string;
  Operation?: string;
  'Relation Name'?: string;
  'Index Name'?: string;
  'Subplan Name'?: string;
  'Shared Hit Blocks': number;
  'Shared Read Blocks': number;
  Plans?: PlanNode[];
}

/** @param log lines of the server's log as JSON; those without a plan are left out */
export function readPlans(log: string): Plan[] {
  return log.split('\n').flatMap((line) => {
    if (!line.includes('plan:\\n')) return [];
    const { application_name: application, message } = JSON.parse(line) as {
      application_name?: string;
      message: string;
    };
    const [, ms, json] = /^duration: ([\d.]+) ms {2}plan:\n(.*)$/s.exec(message) ?? [];
    if (json === undefined) return [];
    const { 'Query Text': text, Plan: root } = JSON.parse(json) as { 'Query Text': string; Plan: PlanNode };
    const nodes = [...walk(root)];
    return [
      {
        application: application ?? '',
        text,
        shape: shapeOf(text, nodes),
        ms: Number(ms),
        buffers: nodes.reduce((sum, node) => sum + ownBuffers(node), 0),
        nodes: [...new Set(nodes.map(describe).filter((name) => name !== undefined))],
        scanned: nodes.filter((node) => node['Node Type'] === 'Seq Scan').map((node) => tableOf(node) ?? '?'),
      },
    ];
  });
}

function* walk(node: PlanNode): Generator<PlanNode> {
  yield node;
  for (const child of node.Plans ?? []) yield* walk(child);
}

const blocks = (node: PlanNode) => node['Shared Hit Blocks'] + node['Shared Read Blocks'];

/**
 * Without those of the nodes below. A common table expression is counted where it is, not in the nodes
 * that scan it: one that changes a table may be run by none of them.
 */
function ownBuffers(node: PlanNode): number {
  if (node['Node Type'] === 'CTE Scan') return 0;
  const below = (node.Plans ?? []).filter((child) => !child['Subplan Name']?.startsWith('CTE'));
  return Math.max(0, blocks(node) - below.reduce((sum, child) => sum + blocks(child), 0));
}

/** Without our prefix; pg-boss names the table of a queue by a hash. */
function tableOf(node: PlanNode): string | undefined {
  const name = node['Relation Name'];
  if (name === undefined) return undefined;
  if (name.startsWith('pdfprompt_')) return name.slice('pdfprompt_'.length);
  if (name.startsWith('pg_')) return name;
  return /^j[0-9a-f]{50,}$/.test(name) ? 'pgboss.job' : `pgboss.${name}`;
}

function describe(node: PlanNode): string | undefined {
  const { 'Node Type': type, 'Index Name': index } = node;
  if (index !== undefined) return `${type} ${index.replace(/^j[0-9a-f]{50,}/, 'pgboss.job')}`;
  if (type === 'Seq Scan') return `Seq Scan ${tableOf(node)}`;
  return ['Sort', 'Hash Join', 'Merge Join', 'Materialize', 'Bitmap Heap Scan'].includes(type) ? type : undefined;
}

/** What Postgres runs for a foreign key. */
const FOREIGN_KEY = /^(SELECT 1|DELETE|UPDATE)\b.* ONLY "\w+"\."(?:pdfprompt_)?(\w+)"/s;

function shapeOf(text: string, nodes: PlanNode[]): string {
  const [, verb, table] = FOREIGN_KEY.exec(text) ?? [];
  if (table !== undefined) return `foreign key: ${verb === 'SELECT 1' ? 'look at' : verb?.toLowerCase()} ${table}`;
  const written = nodes.flatMap((node) =>
    node['Node Type'] === 'ModifyTable' ? [`${node.Operation?.toLowerCase()} ${tableOf(node)}`] : [],
  );
  const changed = new Set(written.map((each) => each.split(' ')[1]));
  const read = nodes.map(tableOf).filter((name) => name !== undefined && !changed.has(name));
  const list = (names: (string | undefined)[]) =>
    [...new Set(names)].toSorted((a, b) => (`${a}` < `${b}` ? -1 : 1)).join(', ');
  if (written.length === 0) return read.length === 0 ? 'no table' : `read ${list(read)}`;
  return read.length === 0 ? list(written) : `${list(written)}, reading ${list(read)}`;
}

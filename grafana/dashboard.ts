// The dashboard, row by row in the order in which an operator asks. `npm run docs` writes dashboards/pdfprompt.json from it.

type Unit = 'short' | 's' | 'bytes' | 'percentunit' | 'reqps' | 'ops' | 'none';

interface Panel {
  title: string;
  description: string;
  kind?: 'timeseries' | 'stat' | 'table';
  unit: Unit;
  /** PromQL by legend */
  targets: Record<string, string>;
  /** the panel is red above it; with `isWorseBelow` below it */
  limit?: number;
  isWorseBelow?: boolean;
  isStacked?: boolean;
  max?: number;
  /** of 24 columns */
  width?: number;
  /** the page in docs/runbooks of this panel's alert */
  runbook?: string;
}

const MINE = 'instance=~"$instance"';
/** Requests that wait for a document: their duration is the document's, not the API's. */
const LONG_POLLING = 'route!~".*[?]wait|POST /v1/pdf"';

const rate = (metric: string, labels = '') => `rate(pdfprompt_${metric}{${labels || MINE}}[$__rate_interval])`;
const sum = (by: string, metric: string, labels?: string) => `sum by (${by}) (${rate(metric, labels)})`;
const quantile = (q: number, by: string, metric: string, labels?: string) =>
  `histogram_quantile(${q}, ${sum(by ? `le, ${by}` : 'le', `${metric}_bucket`, labels)})`;
/** p50 and p95 of a histogram, by a label. */
const quantiles = (by: string, metric: string, labels?: string) => ({
  [`{{${by}}} p50`]: quantile(0.5, by, metric, labels),
  [`{{${by}}} p95`]: quantile(0.95, by, metric, labels),
});
const ended = `sum(${rate('pdf_failed_total')}) + sum(${rate('pdf_completed_total')})`;
const both = (text: (slo: string) => string) => ({ documents: text('documents'), API: text('api') });

const ROWS: Record<string, Panel[]> = {
  'Are users served?': [
    {
      title: 'Good, 30 days',
      description:
        'Documents that did not fail through our fault, and requests that were not answered 5xx. Objective: 99.9 %.',
      kind: 'stat',
      unit: 'percentunit',
      limit: 0.999,
      isWorseBelow: true,
      width: 5,
      targets: both((slo) => `1 - pdfprompt:slo_bad:ratio{window="30d", slo="${slo}"}`),
      runbook: 'error-budget-burn',
    },
    {
      title: 'Error budget left, 30 days',
      description: 'Of the 0.1 % that may fail. Below 0 the objective is missed.',
      kind: 'stat',
      unit: 'percentunit',
      limit: 0.1,
      isWorseBelow: true,
      width: 5,
      targets: both((slo) => `1 - pdfprompt:slo_bad:ratio{window="30d", slo="${slo}"} / 0.001`),
      runbook: 'error-budget-burn',
    },
    {
      title: 'Alerts',
      description: 'Alerts that are firing.',
      kind: 'stat',
      unit: 'none',
      limit: 1,
      width: 2,
      targets: { firing: 'count(ALERTS{alertname=~"Pdfprompt.*", alertstate="firing"}) or vector(0)' },
      runbook: 'README',
    },
    {
      title: 'Burn rate',
      description: 'How fast the budget is spent: at 1 it lasts 30 days. Pages at 14.4 over an hour, at 6 over six.',
      unit: 'short',
      limit: 14.4,
      width: 6,
      targets: { '{{slo}} {{window}}': 'pdfprompt:slo_bad:ratio{window=~"1h|6h"} / 0.001' },
      runbook: 'error-budget-burn',
    },
    {
      title: 'Documents ended',
      description: 'By outcome.',
      unit: 'ops',
      isStacked: true,
      width: 6,
      targets: {
        completed: `sum(${rate('pdf_completed_total')})`,
        'failed ({{fault}})': sum('fault', 'pdf_failed_total'),
        cancelled: `sum(${rate('pdf_cancelled_total')})`,
      },
    },
  ],
  'How long do they wait?': [
    {
      title: 'Queue',
      description: 'Waiting documents, over all processes. Without the items of batches.',
      unit: 'short',
      isStacked: true,
      limit: 100,
      targets: { '{{priority}}': 'pdfprompt:queue_depth:max1m' },
      runbook: 'queue-depth',
    },
    {
      title: 'Oldest in the queue',
      description: 'The age of the document that has waited longest. Without the items of batches.',
      unit: 's',
      targets: { oldest: 'pdfprompt:queue_oldest_seconds:max1m' },
      runbook: 'queue-depth',
    },
    {
      title: 'Wait',
      description: 'From acceptance to the first attempt. Without the items of batches.',
      unit: 's',
      targets: quantiles('tier', 'pdf_wait_seconds'),
      runbook: 'queue-depth',
    },
    {
      title: 'Generation',
      description: 'The last attempt at a document, until its PDF is stored.',
      unit: 's',
      limit: 15,
      targets: quantiles('tier', 'pdf_generation_seconds'),
      runbook: 'generation-slow',
    },
    {
      title: 'Turnaround',
      description: 'From acceptance to the end. Without the items of batches.',
      unit: 's',
      targets: quantiles('tier', 'pdf_turnaround_seconds'),
    },
    {
      title: 'API',
      description: 'Requests, except those that wait for a document.',
      unit: 's',
      targets: {
        p50: quantile(0.5, '', 'api_response_seconds', `${MINE}, ${LONG_POLLING}`),
        p95: quantile(0.95, '', 'api_response_seconds', `${MINE}, ${LONG_POLLING}`),
        p99: quantile(0.99, '', 'api_response_seconds', `${MINE}, ${LONG_POLLING}`),
      },
    },
  ],
  'Is it us or the documents?': [
    {
      title: 'Share that fails',
      description: 'Of the documents that ended: our failures, and those that their senders have to fix.',
      unit: 'percentunit',
      limit: 0.05,
      isStacked: true,
      targets: {
        '{{fault}}': `${sum('fault', 'pdf_failed_total')} / on () group_left () (${ended} > 0)`,
      },
      runbook: 'error-rate-high',
    },
    {
      title: 'Our failures',
      description: 'By error code: attempts used up, workers lost, faults in the program.',
      unit: 'ops',
      isStacked: true,
      targets: { '{{reason}}': sum('reason', 'pdf_failed_total', `${MINE}, fault="service"`) },
      runbook: 'jobs-dead',
    },
    {
      title: "Documents' failures",
      description: 'By error code: the address, the time or the size was the problem.',
      unit: 'ops',
      isStacked: true,
      targets: { '{{reason}}': sum('reason', 'pdf_failed_total', `${MINE}, fault="document"`) },
      runbook: 'error-rate-high',
    },
    {
      title: 'Repeated attempts',
      description: 'Attempts after which the document was requeued, and results that came too late.',
      unit: 'ops',
      targets: {
        '{{reason}}': sum('reason', 'pdf_given_back_total'),
        'thrown away': `sum(${rate('pdf_fenced_total')})`,
      },
    },
    {
      title: 'Workers lost, browsers ended',
      description:
        'Replacing an old or large browser is normal. A process that fails shuts down in order; a worker whose session is cut claims nothing until it is restored.',
      unit: 'ops',
      targets: {
        'workers lost': `sum(${rate('workers_lost_total')})`,
        'sessions of workers cut': `sum(${rate('worker_sessions_lost_total')})`,
        'processes failed': `sum(${rate('process_failures_total')})`,
        'browsers: {{reason}}': sum('reason', 'browser_restarts_total'),
        'documents for memory: {{reason}}': sum('reason', 'documents_sacrificed_total'),
      },
      runbook: 'worker-lost',
    },
    {
      title: 'Refused connections of documents',
      description: 'By reason. EGRESS_ALLOW opens networks and hosts.',
      unit: 'ops',
      targets: { '{{reason}}': sum('reason', 'egress_denied_total') },
    },
  ],
  'Do batches move?': [
    {
      title: 'Open items',
      description: 'Items of batches that wait or are rendered, over all processes.',
      unit: 'short',
      targets: { items: 'pdfprompt:batch_items_open:max1m' },
      runbook: 'batch-stalled',
    },
    {
      title: 'Items',
      description: 'Accepted, and how they ended.',
      unit: 'ops',
      targets: { '{{result}}': sum('result', 'batch_items_total') },
      runbook: 'batch-stalled',
    },
    {
      title: 'Open batches',
      description: 'Over all processes. The last 1,000 of a longer list are not counted.',
      unit: 'short',
      targets: { batches: 'max(max_over_time(pdfprompt_batches_open[1m]))' },
      runbook: 'batch-stalled',
    },
  ],
  'Do webhooks arrive?': [
    {
      title: 'Attempts to deliver',
      description:
        'Webhooks and uploads, by how the attempt ended. Retried: it failed, and there is another one later.',
      unit: 'ops',
      isStacked: true,
      targets: { '{{result}}': sum('result', 'deliveries_total') },
      runbook: 'deliveries-failing',
    },
    {
      title: 'Share that is not delivered',
      description: 'Of the attempts. One receiver that is down has few, as its pauses become longer.',
      unit: 'percentunit',
      limit: 0.25,
      max: 1,
      targets: { 'not delivered': 'pdfprompt:deliveries_not_delivered:ratio5m' },
      runbook: 'deliveries-failing',
    },
    {
      title: 'To be sent',
      description:
        'Over all processes. Ready: it may be sent at once. Waiting: it has failed, and its next attempt is later.',
      unit: 'short',
      targets: { '{{state}}': 'pdfprompt:deliveries:max1m' },
      runbook: 'deliveries-behind',
    },
    {
      title: 'Oldest that is due',
      description: 'For how long one has waited for its turn, at most.',
      unit: 's',
      limit: 60,
      targets: { oldest: 'pdfprompt:delivery_oldest_ready_seconds:max1m' },
      runbook: 'deliveries-behind',
    },
    {
      title: 'Wait of deliveries',
      description: 'From when one is due until it is sent.',
      unit: 's',
      targets: {
        p50: quantile(0.5, '', 'delivery_wait_seconds'),
        p95: quantile(0.95, '', 'delivery_wait_seconds'),
        p99: quantile(0.99, '', 'delivery_wait_seconds'),
      },
      runbook: 'deliveries-behind',
    },
  ],
  'What is full?': [
    {
      title: 'Workers',
      description: 'Living workers, as one process counts them for all, and processes that answer Prometheus.',
      unit: 'short',
      targets: {
        workers: 'pdfprompt:workers:last1m',
        wanted: 'max(last_over_time(pdfprompt_desired_workers[1m]))',
        'processes up': 'sum(up{job=~"pdfprompt.*"})',
      },
      runbook: 'no-workers',
    },
    {
      title: 'Slots',
      description: 'How many documents are rendered, and how many could be.',
      unit: 'short',
      isStacked: true,
      targets: { '{{state}}': `sum by (state) (pdfprompt_worker_slots{${MINE}})` },
      runbook: 'queue-depth',
    },
    {
      title: 'Memory',
      description:
        'Of the fullest limit that applies to the process. Above 80 % less is claimed, at 90 % the largest document is evicted.',
      unit: 'percentunit',
      limit: 0.85,
      max: 1,
      targets: { '{{instance}}': `pdfprompt_memory_pressure_ratio{${MINE}}` },
      runbook: 'memory-high',
    },
    {
      title: 'Memory of processes',
      description: 'Browsers and Node.',
      unit: 'bytes',
      targets: {
        '{{instance}} browsers': `pdfprompt_browser_memory_bytes{${MINE}}`,
        '{{instance}} node': `process_resident_memory_bytes{job=~"pdfprompt.*", ${MINE}}`,
      },
      runbook: 'memory-high',
    },
    {
      title: 'Browsers and warm pages',
      description: 'Pages that are kept for their tenants, or ready for new ones.',
      unit: 'short',
      targets: {
        browsers: `sum(pdfprompt_browser_pool_size{${MINE}})`,
        'warm pages': `sum(pdfprompt_warm_pages{${MINE}})`,
        'spare pages': `sum(pdfprompt_spare_pages{${MINE}})`,
      },
    },
    {
      title: 'Connections to the database',
      description: 'In use, of the pool of a process, and of max_connections of the server.',
      unit: 'percentunit',
      limit: 0.8,
      max: 1,
      targets: {
        '{{pool}} {{instance}}': `pdfprompt:db_connections:ratio{${MINE}}`,
        server: 'pdfprompt:db_server_connections:ratio',
      },
      runbook: 'database-connections-high',
    },
    {
      title: 'CPU',
      description: 'Cores that Node uses, without the browsers.',
      unit: 'short',
      targets: { '{{instance}}': `rate(process_cpu_seconds_total{job=~"pdfprompt.*", ${MINE}}[$__rate_interval])` },
    },
    {
      title: 'Event loop lag',
      description: 'How late Node runs its callbacks. If it is high, Node has too little CPU.',
      unit: 's',
      targets: { '{{instance}}': `nodejs_eventloop_lag_p99_seconds{job=~"pdfprompt.*", ${MINE}}` },
    },
    {
      title: 'Versions',
      description: 'The version of each process.',
      kind: 'table',
      unit: 'none',
      targets: {
        pdfprompt: `pdfprompt_build_info{${MINE}}`,
        chromium: `pdfprompt_chromium_info{${MINE}}`,
      },
    },
    {
      title: 'Age of Chromium',
      description: 'Since the stable release of its major version, by the published schedule.',
      kind: 'stat',
      unit: 's',
      limit: 120 * 86_400,
      targets: { Chromium: `max(pdfprompt_chromium_age_seconds{${MINE}})` },
      runbook: 'chromium-too-old',
    },
  ],
  'Who uses it?': [
    {
      title: 'Accepted',
      description: 'Documents, by tier.',
      unit: 'ops',
      isStacked: true,
      targets: { '{{tier}}': sum('tier', 'pdf_submitted_total') },
    },
    {
      title: 'Over a limit',
      description: 'Requests that were answered 429, by tier and limit.',
      unit: 'reqps',
      targets: { '{{tier}} {{limit}}': sum('tier, limit', 'rate_limited_total') },
    },
    {
      title: 'Requests',
      description: 'By route. Those with ?wait wait for a document.',
      unit: 'reqps',
      isStacked: true,
      targets: { '{{route}}': sum('route', 'api_requests_total') },
    },
    {
      title: 'Answers',
      description: 'By HTTP status.',
      unit: 'reqps',
      isStacked: true,
      targets: { '{{status}}': sum('status', 'api_requests_total') },
      runbook: 'error-budget-burn',
    },
  ],
  'The database and its caches': [
    {
      title: 'Statements',
      description: 'By pool.',
      unit: 'ops',
      targets: { '{{pool}}': sum('pool', 'db_query_duration_seconds_count') },
    },
    {
      title: 'Duration of statements',
      description: 'Without the wait for a connection.',
      unit: 's',
      targets: quantiles('pool', 'db_query_duration_seconds'),
    },
    {
      title: 'Answered from memory',
      description: 'Share of the lookups in each cache, and of the documents that found a warm page.',
      unit: 'percentunit',
      max: 1,
      targets: {
        '{{cache}}': `${sum('cache', 'cache_requests_total', `${MINE}, result="hit"`)} / (${sum('cache', 'cache_requests_total')} > 0)`,
        'warm page': `sum(${rate('warm_page_requests_total', `${MINE}, result="warm"`)}) / (sum(${rate('warm_page_requests_total')}) > 0)`,
      },
    },
    {
      title: 'Where listings are read',
      description: 'With DATABASE_READ_REPLICA_URL.',
      unit: 'ops',
      isStacked: true,
      targets: { '{{where}}': sum('where', 'replica_reads_total') },
      runbook: 'replica-left',
    },
    {
      title: 'Replica',
      description: '1: the replica is used.',
      unit: 'short',
      limit: 1,
      isWorseBelow: true,
      max: 1,
      targets: { '{{instance}}': `pdfprompt_replica_healthy{${MINE}}` },
      runbook: 'replica-left',
    },
    {
      title: 'Replica lag',
      description: 'How far the replica is behind the primary.',
      unit: 's',
      limit: 30,
      targets: { '{{instance}}': `pdfprompt_replica_lag_seconds{${MINE}}` },
      runbook: 'replica-lagging',
    },
  ],
};

const DATASOURCE = { type: 'prometheus', uid: '${datasource}' };
const HEIGHT = { stat: 6, timeseries: 8, table: 8 };

function panel(of: Panel, id: number, gridPos: object): object {
  const { title, description, kind = 'timeseries', unit, targets, limit, isWorseBelow, isStacked, max, runbook } = of;
  const steps =
    limit === undefined
      ? [{ color: 'green', value: null }]
      : isWorseBelow
        ? [
            { color: 'red', value: null },
            { color: 'green', value: limit },
          ]
        : [
            { color: 'green', value: null },
            { color: 'red', value: limit },
          ];
  return {
    id,
    type: kind,
    title,
    description,
    gridPos,
    datasource: DATASOURCE,
    fieldConfig: {
      defaults: {
        unit,
        // Axes start at 0, or small changes look large; except for values that may be negative.
        ...(kind === 'timeseries' && { min: 0 }),
        ...(max !== undefined && { max }),
        thresholds: { mode: 'absolute', steps },
        ...(kind === 'timeseries' && {
          custom: {
            drawStyle: 'line',
            lineWidth: 1,
            fillOpacity: isStacked ? 30 : 5,
            showPoints: 'never',
            stacking: { mode: isStacked ? 'normal' : 'none', group: 'A' },
            thresholdsStyle: { mode: limit === undefined ? 'off' : 'line' },
          },
        }),
      },
      overrides: [],
    },
    options:
      kind === 'timeseries'
        ? { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi', sort: 'desc' } }
        : kind === 'stat'
          ? {
              reduceOptions: { calcs: ['lastNotNull'], values: false },
              colorMode: 'value',
              graphMode: 'none',
              textMode: 'value_and_name',
            }
          : { showHeader: true },
    targets: Object.entries(targets).map(([legendFormat, expr], index) => ({
      refId: String.fromCharCode(65 + index),
      datasource: DATASOURCE,
      expr,
      legendFormat,
      ...(kind === 'table' && { format: 'table', instant: true }),
    })),
    ...(kind === 'table' && {
      transformations: [{ id: 'merge', options: {} }],
    }),
    links: runbook === undefined ? [] : [{ title: 'Runbook', url: `\${runbooks}/${runbook}.md`, targetBlank: true }],
  };
}

function panels(): object[] {
  const all: object[] = [];
  let y = 0;
  for (const [title, row] of Object.entries(ROWS)) {
    all.push({
      id: all.length + 1,
      type: 'row',
      title,
      collapsed: false,
      gridPos: { x: 0, y: y++, w: 24, h: 1 },
      panels: [],
    });
    let x = 0;
    let height = 0;
    for (const each of row) {
      const w = each.width ?? 8;
      if (x + w > 24) {
        y += height;
        [x, height] = [0, 0];
      }
      const h = each.width === undefined ? HEIGHT[each.kind ?? 'timeseries'] : HEIGHT.timeseries;
      all.push(panel(each, all.length + 1, { x, y, w, h }));
      x += w;
      height = Math.max(height, h);
    }
    y += height;
  }
  return all;
}

/** As Grafana 11 and 12 read it from a file. */
export function dashboard(): object {
  return {
    uid: 'pdfprompt',
    title: 'pdfprompt',
    description:
      'Are users served? How long do they wait? Do we fail, or the documents? Do batches move? Do webhooks arrive? What is full? Who uses it?',
    tags: ['pdfprompt'],
    schemaVersion: 39,
    editable: true,
    graphTooltip: 1,
    refresh: '30s',
    time: { from: 'now-6h', to: 'now' },
    timezone: 'browser',
    templating: {
      list: [
        { name: 'datasource', label: 'Prometheus', type: 'datasource', query: 'prometheus', current: {}, refresh: 1 },
        {
          name: 'instance',
          label: 'Process',
          type: 'query',
          datasource: DATASOURCE,
          query: { query: 'label_values(pdfprompt_build_info, instance)', refId: 'instance' },
          definition: 'label_values(pdfprompt_build_info, instance)',
          refresh: 2,
          sort: 1,
          multi: true,
          includeAll: true,
          allValue: '.*',
          current: { text: ['All'], value: ['$__all'] },
        },
        {
          name: 'runbooks',
          label: 'Where the runbooks are',
          type: 'textbox',
          query: 'docs/runbooks',
          current: { text: 'docs/runbooks', value: 'docs/runbooks' },
        },
      ],
    },
    annotations: {
      list: [
        {
          name: 'Alerts',
          datasource: DATASOURCE,
          enable: true,
          iconColor: 'red',
          expr: 'ALERTS{alertname=~"Pdfprompt.*", alertstate="firing"}',
          titleFormat: '{{alertname}}',
        },
      ],
    },
    links: [
      {
        title: 'Runbooks',
        type: 'link',
        url: '${runbooks}/README.md',
        targetBlank: true,
        asDropdown: false,
        icon: 'doc',
        tags: [],
      },
    ],
    panels: panels(),
  };
}

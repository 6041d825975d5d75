interface Series {
  name: string;
  labels: Record<string, string>;
  value: number;
}

export interface Scrape {
  /** Prometheus's text format, as it came */
  text: string;
  /** by name */
  families: Map<string, { help: string; type: string }>;
  series: Series[];
  /** of all series of that name with these labels together; undefined if there is none */
  sum: (name: string, labels?: Record<string, string>) => number | undefined;
}

/** What a process tells of itself on its ops port. */
export async function scrape(port: number): Promise<Scrape> {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`);
  if (!response.ok) throw new Error(`/metrics answered ${response.status}`);
  return parse(await response.text());
}

function parse(text: string): Scrape {
  const families: Scrape['families'] = new Map();
  const series: Series[] = [];
  for (const line of text.split('\n')) {
    const [, kind, name = '', rest = ''] = /^# (HELP|TYPE) (\w+) (.*)$/.exec(line) ?? [];
    if (kind) {
      const family = families.get(name) ?? { help: '', type: '' };
      families.set(name, kind === 'HELP' ? { ...family, help: rest } : { ...family, type: rest });
    } else if (line !== '') {
      const [, of = '', labels = '', value = ''] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
      series.push({ name: of, labels: labelsOf(labels), value: Number(value) });
    }
  }
  return {
    text,
    families,
    series,
    sum: (name, labels = {}) => {
      const found = series.filter(
        (each) => each.name === name && Object.entries(labels).every(([label, value]) => each.labels[label] === value),
      );
      return found.length === 0 ? undefined : found.reduce((sum, { value }) => sum + value, 0);
    },
  };
}

const labelsOf = (text: string) =>
  Object.fromEntries(
    [...text.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, name = '', value = '']) => [name, value]),
  );

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { dashboard } from '../../grafana/dashboard.ts';

interface Target {
  refId: string;
  expr: string;
  legendFormat: string;
  datasource: { uid: string };
}

interface Panel {
  id: number;
  type: string;
  title: string;
  description?: string;
  gridPos: { x: number; y: number; w: number; h: number };
  datasource?: { uid: string };
  fieldConfig?: { defaults: { unit: string; thresholds: { steps: unknown[] } } };
  targets?: Target[];
  links?: { url: string }[];
}

const file = new URL('../../grafana/dashboards/pdfprompt.json', import.meta.url);
const model = JSON.parse(readFileSync(file, 'utf8')) as {
  uid: string;
  refresh: string;
  templating: { list: { name: string }[] };
  panels: Panel[];
};
const panels = model.panels.filter(({ type }) => type !== 'row');

describe('the dashboard', () => {
  it('in the file is what grafana/dashboard.ts says (npm run docs)', () => {
    expect(model).toEqual(dashboard());
  });

  it('answers in this order', () => {
    expect(model.panels.filter(({ type }) => type === 'row').map(({ title }) => title)).toEqual([
      'Are users served?',
      'How long do they wait?',
      'Is it us or the documents?',
      'Do batches move?',
      'Do webhooks arrive?',
      'What is full?',
      'Who uses it?',
      'The database and its caches',
    ]);
    expect(model).toMatchObject({ uid: 'pdfprompt', refresh: '30s' });
    expect(model.templating.list.map(({ name }) => name)).toEqual(['datasource', 'instance', 'runbooks']);
  });

  it('has no two panels in one place, nor with one id', () => {
    expect(new Set(model.panels.map(({ id }) => id)).size).toBe(model.panels.length);
    const taken = new Map<string, string>();
    for (const { title, gridPos } of model.panels) {
      const { x, y, w, h } = gridPos;
      expect(x + w).toBeLessThanOrEqual(24);
      for (let column = x; column < x + w; column++)
        for (let line = y; line < y + h; line++) {
          const cell = `${column}/${line}`;
          expect([cell, title, taken.get(cell)]).toEqual([cell, title, undefined]);
          taken.set(cell, title);
        }
    }
  });

  it('has for each panel a unit, a sentence, thresholds, and an expression with a legend from the chosen source', () => {
    for (const { title, description, fieldConfig, targets = [], datasource } of panels) {
      expect({ title, description }).toEqual({ title, description: expect.stringMatching(/\.$/) });
      expect({ title, unit: fieldConfig?.defaults.unit }).toEqual({ title, unit: expect.stringMatching(/^\w+$/) });
      expect(fieldConfig?.defaults.thresholds.steps).not.toEqual([]);
      expect({ title, targets }).not.toEqual({ title, targets: [] });
      expect(new Set(targets.map(({ refId }) => refId)).size).toBe(targets.length);
      for (const each of [{ datasource }, ...targets])
        expect([title, each.datasource?.uid]).toEqual([title, '${datasource}']);
      for (const { expr, legendFormat } of targets) {
        expect(legendFormat).not.toBe('');
        expect(expr).not.toMatch(/undefined|rate\([^)]*\[\d/); // a fixed window is wrong at some zoom
      }
    }
  });

  it('leads to runbooks that are there', () => {
    const links = panels.flatMap(({ links: its = [] }) => its.map(({ url }) => url));
    expect(links.length).toBeGreaterThan(15);
    for (const url of links) {
      expect(url).toMatch(/^\$\{runbooks\}\//);
      readFileSync(new URL(`../../docs/runbooks/${url.replace('${runbooks}/', '')}`, import.meta.url));
    }
  });
});

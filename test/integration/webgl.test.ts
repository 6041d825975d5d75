/** @module-tag long */

import { extractImages, getDocumentProxy } from 'unpdf';
import { describe, expect, it } from 'vitest';
import { processTree, processType, seccompFilters } from '../../src/memory/processes.ts';
import { readPdf } from '../support/pdf.ts';
import { eventually } from '../support/processes.ts';
import { createRenderer, pdfOf, renderBody } from '../support/renderer.ts';

const RED = 'vec4(1, 0, 0, 1)';
/** Takes hours for a pixel. */
const ENDLESS = 'vec4(0, 0, 0, 1); for (int i = 0; i < 2000000000; i++) gl_FragColor.r = sin(gl_FragColor.r + 0.1)';

/** A triangle, lower left, on blue. A canvas that keeps no drawing buffer is empty on paper. */
const drawing = (kind: 'webgl' | 'webgl2', color = RED) => `
  <p id="said"></p><canvas id="canvas" width="64" height="64"></canvas>
  <script>
    const gl = canvas.getContext('${kind}', { preserveDrawingBuffer: true });
    said.textContent = gl === null ? 'none' : 'drawn';
    if (gl) {
      const program = gl.createProgram();
      for (const [type, source] of [
        [gl.VERTEX_SHADER, 'attribute vec2 at; void main() { gl_Position = vec4(at, 0, 1); }'],
        [gl.FRAGMENT_SHADER, 'precision highp float; void main() { gl_FragColor = ${color}; }'],
      ]) {
        const shader = gl.createShader(type);
        gl.shaderSource(shader, source);
        gl.compileShader(shader);
        gl.attachShader(program, shader);
      }
      gl.linkProgram(program);
      gl.useProgram(program);
      gl.clearColor(0, 0, 1, 1);
      gl.clear(gl.COLOR_BUFFER_BIT);
      gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
      gl.bufferData(gl.ARRAY_BUFFER, new Float32Array([-1, -1, 1, -1, -1, 1]), gl.STATIC_DRAW);
      const at = gl.getAttribLocation(program, 'at');
      gl.enableVertexAttribArray(at);
      gl.vertexAttribPointer(at, 2, gl.FLOAT, false, 0, 0);
      gl.drawArrays(gl.TRIANGLES, 0, 3);
      gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4));
    }
  </script>`;

const gpuProcesses = () => processTree(process.pid).filter((pid) => processType(pid) === 'gpu-process');

// On first, so that the WebGL files are installed next to the browser that must not use them.
describe('CHROMIUM_WEBGL', () => {
  it('true: what was drawn with WebGL is in the PDF, and a drawing that does not end ends with its document', async () => {
    const { renderer } = await createRenderer({ CHROMIUM_WEBGL: 'true' });
    try {
      await renderer.start();
      for (const kind of ['webgl', 'webgl2'] as const) {
        const bytes = Buffer.concat((await pdfOf(renderer, { html: drawing(kind) })).chunks);
        expect((await readPdf(bytes)).text).toEqual(['drawn']);
        const images = await extractImages(await getDocumentProxy(new Uint8Array(bytes)), 1);
        const { data, width, channels } = images[0] as (typeof images)[number];
        const pixel = (x: number, y: number) => Array.from(data.subarray((y * width + x) * channels).subarray(0, 3));
        expect({ width, lowerLeft: pixel(4, 59), upperRight: pixel(59, 4) }).toEqual({
          width: 64,
          lowerLeft: [255, 0, 0],
          upperRight: [0, 0, 255],
        });
      }
      // The drawing goes on in the browser of that page, where nothing else would be drawn.
      const endless = await renderBody(renderer, { html: drawing('webgl', ENDLESS), timeoutMs: 2_000 }, 'eve');
      expect(endless).toMatchObject({ kind: 'reject', code: 'render_timeout' });
      await pdfOf(renderer, { html: drawing('webgl'), timeoutMs: 30_000 });
    } finally {
      await renderer.stop();
    }
  });

  it('false: there is no WebGL, and the GPU process is in its sandbox', async () => {
    const { renderer } = await createRenderer();
    try {
      await renderer.start();
      for (const kind of ['webgl', 'webgl2'] as const) {
        const bytes = Buffer.concat((await pdfOf(renderer, { html: drawing(kind) })).chunks);
        expect((await readPdf(bytes)).text).toEqual(['none']);
      }
      if (process.platform !== 'linux') return; // there it cannot be seen
      const inherited = seccompFilters('self') ?? 0;
      const isConfined = () => {
        const filters = gpuProcesses().map((pid) => seccompFilters(pid) ?? 0);
        return filters.length > 0 && filters.every((count) => count > inherited);
      };
      await eventually(isConfined, 30_000, 'a GPU process under a filter');
    } finally {
      await renderer.stop();
    }
  });
});

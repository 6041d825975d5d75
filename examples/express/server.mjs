import express from 'express';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Pdfprompt, PdfpromptError, verifyWebhook } from 'pdfprompt/client';

const { PDFPROMPT_URL, PDFPROMPT_KEY, WEBHOOK_SECRET, PORT = '8080' } = process.env;
const pdfprompt = new Pdfprompt({ url: PDFPROMPT_URL, key: PDFPROMPT_KEY });
const app = express();

app.get('/invoices/:id.pdf', async (request, response) => {
  const gone = new AbortController();
  response.once('close', () => gone.abort()); // nobody waits for it
  const { id } = request.params;
  if (!/^\d+$/.test(id)) return response.sendStatus(404);
  const pdf = await pdfprompt.pdf({ html: `<h1>Invoice ${id}</h1>` }, { signal: gone.signal });
  response.type(pdf.type);
  await pipeline(Readable.fromWeb(pdf.stream), response);
});

// The signature is of the body as it came, so it is not parsed before it is verified.
app.post('/hooks/pdf', express.raw({ type: 'application/json' }), async (request, response) => {
  const event = await verifyWebhook(request.body, request.headers, WEBHOOK_SECRET);
  console.log(`${event.type} ${event.data.id ?? ''}`);
  response.sendStatus(204);
});

app.use((error, request, response, next) => {
  if (response.headersSent) return next(error);
  if (!(error instanceof PdfpromptError)) return next(error);
  response.status(error.code === 'invalid_signature' ? 401 : 503).send(error.code);
});

const server = app.listen(Number(PORT), '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${server.address().port}`);
});

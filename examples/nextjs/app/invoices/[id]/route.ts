import { Pdfprompt, PdfpromptError } from 'pdfprompt/client';

const pdfprompt = new Pdfprompt({ url: process.env.PDFPROMPT_URL!, key: process.env.PDFPROMPT_KEY! });

/** GET /invoices/7: the invoice as a PDF, streamed as it comes. */
export async function GET(request: Request, { params }: { params: Promise<{ id: string }> }): Promise<Response> {
  const { id } = await params;
  if (!/^\d+$/.test(id)) return new Response('No such invoice', { status: 404 });
  try {
    const pdf = await pdfprompt.pdf(
      { html: `<h1>Invoice ${id}</h1>`, options: { format: 'A4' }, filename: `invoice-${id}.pdf` },
      { signal: request.signal },
    );
    return new Response(pdf.stream, {
      headers: { 'Content-Type': pdf.type, 'Content-Disposition': `inline; filename="invoice-${id}.pdf"` },
    });
  } catch (error) {
    if (!(error instanceof PdfpromptError)) throw error;
    console.error(`invoice ${id}: ${error.code}: ${error.message}`);
    return new Response('The invoice cannot be printed now', { status: 503, headers: { 'Retry-After': '10' } });
  }
}

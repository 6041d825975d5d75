<?php

namespace App\Http\Controllers;

use App\Models\Invoice;
use App\Services\PdfPrompt;
use Illuminate\Http\Response;

class InvoiceController extends Controller
{
    public function show(Invoice $invoice): Response
    {
        $pdfprompt = new PdfPrompt(config('services.pdfprompt.url'), config('services.pdfprompt.key'));
        $pdf = $pdfprompt->pdf([
            'html' => view('invoices.show', ['invoice' => $invoice])->render(),
            'options' => ['format' => 'A4', 'margin' => ['top' => '20mm', 'bottom' => '20mm']],
        ]);

        return response($pdf, 200, [
            'Content-Type' => 'application/pdf',
            'Content-Disposition' => "inline; filename=\"invoice-{$invoice->id}.pdf\"",
        ]);
    }
}

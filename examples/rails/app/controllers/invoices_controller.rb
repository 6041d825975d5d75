# frozen_string_literal: true

class InvoicesController < ApplicationController
  def show
    @invoice = Invoice.find(params[:id])
    respond_to do |format|
      format.html
      format.pdf do
        html = render_to_string(formats: [:html], layout: "pdf")
        pdf = PdfPrompt.new.pdf({ html:, options: { format: "A4" } })
        send_data pdf, filename: "invoice-#{@invoice.id}.pdf", type: "application/pdf", disposition: "inline"
      end
    end
  end
end

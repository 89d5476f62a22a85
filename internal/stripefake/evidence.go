package stripefake

import (
	"slices"
	"strings"
)

// The texts by which the test mode decides a dispute, sent as uncategorized_text.
const (
	winningEvidence  = "winning_evidence"
	losingEvidence   = "losing_evidence"
	escalateEvidence = "escalate_inquiry_evidence"
)

// textEvidence are the fields that take text; fileEvidence those that would take an uploaded file.
func textEvidence() []string {
	return strings.Fields("access_activity_log billing_address cancellation_policy_disclosure cancellation_rebuttal " +
		"customer_email_address customer_name customer_purchase_ip duplicate_charge_explanation duplicate_charge_id " +
		"product_description refund_policy_disclosure refund_refusal_explanation service_date shipping_address " +
		"shipping_carrier shipping_date shipping_tracking_number uncategorized_text")
}

func fileEvidence() []string {
	return strings.Fields("cancellation_policy customer_communication customer_signature duplicate_charge_documentation " +
		"receipt refund_policy service_documentation shipping_documentation uncategorized_file")
}

func noEvidence() map[string]any {
	evidence := map[string]any{"enhanced_evidence": map[string]any{}}
	for _, name := range append(textEvidence(), fileEvidence()...) {
		evidence[name] = nil
	}
	return evidence
}

func updateDispute(c *call) (any, *apiError) {
	d, ok := lookup[*Dispute](c.store, c.path[0])
	switch {
	case !ok:
		return nil, notFound("dispute", "dispute", c.path[0])
	case d.closed():
		return nil, invalid("", "", "This dispute is already closed")
	}
	metadata, problem := c.form.mergeMetadata(d.Metadata)
	if problem != nil {
		return nil, problem
	}
	submit, problem := c.form.boolean(true, "submit")
	if problem == nil {
		problem = c.checkEvidence(d)
	}
	if problem != nil {
		return nil, problem
	}
	d.Metadata = metadata
	for name, field := range c.form.at("evidence").children {
		d.Evidence[name] = field.value
		d.EvidenceDetails.HasEvidence = true
	}
	if submit && c.form.has("evidence") {
		c.submit(d)
	}
	c.save(d)
	c.emit("charge.dispute.updated", d)
	return d, nil
}

// maxEvidence is the documented limit of all text together.
const maxEvidence = 150_000

func (c *call) checkEvidence(d *Dispute) *apiError {
	size := 0
	for name, field := range c.form.at("evidence").children {
		size += len(field.value)
		switch {
		case slices.Contains(fileEvidence(), name):
			return invalid("evidence["+name+"]", "", "This fake keeps no files; say it in uncategorized_text.")
		case !slices.Contains(textEvidence(), name):
			return invalid("evidence["+name+"]", "parameter_unknown", "Received unknown parameter: evidence["+name+"]")
		}
	}
	if size > maxEvidence {
		return invalid("evidence", "", "The combined length of all evidence is more than 150,000 characters.")
	}
	if size > 0 && d.Status != needsResponse && d.Status != inquiryUnanswered {
		return invalid("", "", "You cannot update evidence that has been submitted.")
	}
	return nil
}

// submit hands the evidence to the issuer, who decides only by the texts that decide.
func (c *call) submit(d *Dispute) {
	d.EvidenceDetails.SubmissionCount++
	if d.Status == inquiryUnanswered {
		d.Status = inquiryUnderReview
	} else {
		d.Status = underReview
	}
	switch d.Evidence["uncategorized_text"] {
	case winningEvidence, losingEvidence, escalateEvidence:
		c.later(decisionDelay, decideDispute, d.ID)
	}
}

// decideByEvidence is the issuer's decision by one of the texts. An inquiry ends without a chargeback
// whatever the evidence, unless it is to be escalated.
func (c *call) decideByEvidence(id string) {
	d, ok := lookup[*Dispute](c.store, id)
	if !ok {
		return
	}
	text := d.Evidence["uncategorized_text"]
	switch {
	case d.Status == underReview && text == winningEvidence:
		c.close(d, won)
	case d.Status == underReview && text == losingEvidence:
		c.close(d, lost)
	case d.Status == inquiryUnderReview && text == escalateEvidence:
		c.escalate(d)
	case d.Status == inquiryUnderReview:
		c.close(d, inquiryClosed)
	}
}

package stripefake

// Customer is a payer that cards are kept for.
type Customer struct {
	base
	Livemode    bool              `json:"livemode"`
	Email       *string           `json:"email"`
	Name        *string           `json:"name"`
	Description *string           `json:"description"`
	Metadata    map[string]string `json:"metadata"`
}

const customerParams = "email name description metadata"

func createCustomer(c *call) (any, *apiError) {
	customer := &Customer{base: base{Object: "customer", Created: c.now}}
	if problem := customer.change(c.form); problem != nil {
		return nil, problem
	}
	customer.ID = c.ids.make("cus")
	c.save(customer)
	c.emit("customer.created", customer)
	return customer, nil
}

func updateCustomer(c *call) (any, *apiError) {
	old, ok := lookup[*Customer](c.store, c.path[0])
	if !ok {
		return nil, notFound("id", "customer", c.path[0])
	}
	changed := *old
	if problem := changed.change(c.form); problem != nil {
		return nil, problem
	}
	c.save(&changed)
	c.emit("customer.updated", &changed)
	return &changed, nil
}

func (customer *Customer) change(f *form) *apiError {
	metadata, problem := f.mergeMetadata(customer.Metadata)
	if problem != nil {
		return problem
	}
	customer.Metadata = metadata
	for name, field := range map[string]**string{
		"email": &customer.Email, "name": &customer.Name, "description": &customer.Description,
	} {
		if f.has(name) {
			*field = optional(f.str(name))
		}
	}
	return nil
}

func listCustomers(c *call) (any, *apiError) {
	email := c.form.str("email")
	return list(c, "customer", "/v1/customers", func(customer *Customer) bool {
		return email == "" || (customer.Email != nil && *customer.Email == email)
	})
}

// optional is nil for text that was not given, as Stripe writes null.
func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

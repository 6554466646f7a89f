package story

import "context"

// hear lets the ERP tell of a customer and of an item.
func (p *play) hear(ctx context.Context) error {
	p.tell.Say("From now on nobody at Progix does anything. A clerk at Smith Rockets enters a customer in Acme ERP, " +
		"which calls every URL that is registered for the event: the test instance hears of it, too.")
	c := customer("C-7", "Wile E. Coyote")
	if err := p.hears(ctx, p.erp, c, p.sandbox, p.smith); err != nil {
		return err
	}
	p.showArrivals(c, p.sandbox, p.smith)
	p.tell.Check("One record from each, each with its own Source Name. Only %q ran", customerFlow)

	p.tell.Say("Then someone counts the anvils.")
	c = item("SKU-42", 17)
	if err := p.hears(ctx, p.erp, c, p.sandbox, p.smith); err != nil {
		return err
	}
	p.showArrivals(c, p.sandbox, p.smith)
	p.tell.Check("The same for inventory. Only %q ran", inventoryFlow)
	return nil
}

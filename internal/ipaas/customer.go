package ipaas

import "time"

// Customer is a customer of the organisation that runs the server: a tenant.
type Customer struct {
	ID             string
	UID            string
	DisplayName    string
	ExternalID     string // the customer's id in the organisation's own system
	Description    string
	Labels         map[string]string
	MaxConcurrency int // executions of all its instances that run side by side; 0: no limit
	Revision       int64
	CreateTime     time.Time
	UpdateTime     time.Time
}

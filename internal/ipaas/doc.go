// Package ipaas holds the nouns of the product, their own rules, the one error type and ids: what an integration, a flow, a
// config variable, a component, a customer, an instance, a deployment, a cleanup debt, an upgrade and an execution are.
// It must not know how they are stored, run or spoken of on a wire.
package ipaas

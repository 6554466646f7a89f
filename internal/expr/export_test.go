package expr

// Resolve follows the path from root, which is what the step key stands for, and reports whether it leads to something.
func (n *ReferenceNode) Resolve(root any) (any, bool) { return n.path.resolve(root) }

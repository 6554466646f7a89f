package api

import pb "github.com/headrace/headrace/proto/gen/headrace/v1"

// full reports whether a read shows everything; whole is what it does where the caller does not say.
func full(view pb.View, whole bool) bool {
	if view == pb.View_VIEW_UNSPECIFIED {
		return whole
	}
	return view == pb.View_VIEW_FULL
}

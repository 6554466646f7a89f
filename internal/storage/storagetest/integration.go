package storagetest

import (
	"testing"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

var integrationSentences = []sentence{
	{"an_integration_comes_back_as_it_was_given", func(t *testing.T, s storage.Store) {
		in, test := integration("erp", definition("ERP", "orders"))
		check(t, s.CreateIntegration(t.Context(), in, test, no))
		same(t, "integration", in, got(s.GetIntegration(t.Context(), "erp"))(t))
		wantKind(t, s.CreateIntegration(t.Context(), in, test, no), ipaas.Exists, "")
		_, err := s.GetIntegration(t.Context(), "other")
		wantKind(t, err, ipaas.NotFound, "")
	}},
	{"an_integration_has_a_test_instance_without_hooks", func(t *testing.T, s storage.Store) {
		in, test := integration("erp", definition("ERP", "orders"))
		check(t, s.CreateIntegration(t.Context(), in, test, no))
		same(t, "test instance", test, got(s.GetInstance(t.Context(), test.ID))(t))
		same(t, "hooks", nil, got(s.ListWebhooks(t.Context(), test.ID))(t))
	}},
	{"an_update_replaces_the_draft_and_counts_the_revision", func(t *testing.T, s storage.Store) {
		newWorld(t, s)
		in := got(s.GetIntegration(t.Context(), "erp"))(t)
		in.Draft, in.UpdateTime = definition("Changed", "orders"), at(50)
		in.Draft.Category = "other"
		check(t, s.UpdateIntegration(t.Context(), in, in.Revision, no))
		in.Revision++
		same(t, "integration", in, got(s.GetIntegration(t.Context(), "erp"))(t))
		page := got(s.ListIntegrations(t.Context(), storage.Query{Size: 9, Filter: compare("category", storage.Equal, "other")}))(t)
		same(t, "listed", []ipaas.Integration{in}, page.Items)
	}},
	{"a_stale_base_is_refused_and_base_0_fits", func(t *testing.T, s storage.Store) {
		newWorld(t, s)
		in := got(s.GetIntegration(t.Context(), "erp"))(t)
		wantKind(t, s.UpdateIntegration(t.Context(), in, in.Revision+1, no), ipaas.Conflict, ipaas.ReasonStaleEtag)
		wantKind(t, s.DeleteIntegration(t.Context(), "erp", in.Revision+1, no), ipaas.Conflict, ipaas.ReasonStaleEtag)
		check(t, s.UpdateIntegration(t.Context(), in, 0, no))
		other, _ := integration("other", in.Draft)
		wantKind(t, s.UpdateIntegration(t.Context(), other, 0, no), ipaas.NotFound, "")
		wantKind(t, s.DeleteIntegration(t.Context(), "other", 0, no), ipaas.NotFound, "")
	}},
	{"publishing_adds_the_next_version", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		d := definition("Second", "orders")
		v := w.publish(d)
		in := got(s.GetIntegration(t.Context(), "erp"))(t)
		if in.LatestVersion != 2 || in.PublishedHash != d.Hash() || in.UnpublishedChanges() {
			t.Errorf("integration is %+v", in)
		}
		same(t, "version", v, got(s.GetIntegrationVersion(t.Context(), "erp", 2))(t))
		_, err := s.GetIntegrationVersion(t.Context(), "erp", 3)
		wantKind(t, err, ipaas.NotFound, "")
		page := got(s.ListIntegrationVersions(t.Context(), "erp", storage.Query{Size: 9}))(t)
		if len(page.Items) != 2 || page.Items[0].Version != 2 || page.Items[1].Version != 1 {
			t.Errorf("versions are %+v, want the newest first", page.Items)
		}
		_, err = s.ListIntegrationVersions(t.Context(), "other", storage.Query{Size: 9})
		wantKind(t, err, ipaas.NotFound, "")
	}},
	{"integrations_and_versions_are_told_without_their_definitions", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		in := got(s.GetIntegration(t.Context(), "erp"))(t)
		same(t, "before", storage.IntegrationHead{UID: in.UID, LatestVersion: 1}, got(s.GetIntegrationHead(t.Context(), "erp"))(t))
		v := w.publish(definition("Second", "orders"))
		same(t, "integration", storage.IntegrationHead{UID: in.UID, LatestVersion: 2}, got(s.GetIntegrationHead(t.Context(), "erp"))(t))
		same(t, "version", storage.VersionHead{DefinitionHash: v.Definition.Hash(), ComponentVersions: v.ComponentVersions},
			got(s.GetVersionHead(t.Context(), "erp", 2))(t))
		_, err := s.GetIntegrationHead(t.Context(), "other")
		wantKind(t, err, ipaas.NotFound, "")
		_, err = s.GetVersionHead(t.Context(), "erp", 3)
		wantKind(t, err, ipaas.NotFound, "")
	}},
	{"a_version_must_follow_the_newest", func(t *testing.T, s storage.Store) {
		newWorld(t, s)
		in := got(s.GetIntegration(t.Context(), "erp"))(t)
		for _, number := range []int{1, 3} {
			v := ipaas.IntegrationVersion{IntegrationID: "erp", Version: number, Definition: in.Draft, CreateTime: start}
			wantKind(t, s.PublishIntegration(t.Context(), in, in.Revision, v, no), ipaas.Conflict, "")
		}
		v := ipaas.IntegrationVersion{IntegrationID: "erp", Version: 2, Definition: in.Draft, CreateTime: start}
		wantKind(t, s.PublishIntegration(t.Context(), in, in.Revision+1, v, no), ipaas.Conflict, ipaas.ReasonStaleEtag)
		same(t, "integration", in, got(s.GetIntegration(t.Context(), "erp"))(t))
	}},
	{"an_update_does_not_take_back_what_was_published", func(t *testing.T, s storage.Store) {
		newWorld(t, s)
		in := got(s.GetIntegration(t.Context(), "erp"))(t)
		stale := in
		stale.LatestVersion, stale.PublishedHash = 0, ""
		check(t, s.UpdateIntegration(t.Context(), stale, 0, no))
		now := got(s.GetIntegration(t.Context(), "erp"))(t)
		if now.LatestVersion != 1 || now.PublishedHash != in.PublishedHash {
			t.Errorf("integration is %+v", now)
		}
	}},
	{"deleting_forgets_versions_and_test_instance", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		test := ipaas.TestInstanceID("erp")
		got(s.AddWebhooks(t.Context(), test, []ipaas.Webhook{hook("orders", "token")}))(t)
		ex := w.running(test)
		queued := w.accept(test, "orders")
		check(t, s.DeleteIntegration(t.Context(), "erp", 0, no))
		_, err := s.GetIntegration(t.Context(), "erp")
		wantKind(t, err, ipaas.NotFound, "")
		_, err = s.GetIntegrationVersion(t.Context(), "erp", 1)
		wantKind(t, err, ipaas.NotFound, "")
		_, err = s.GetInstance(t.Context(), test)
		wantKind(t, err, ipaas.NotFound, "")
		_, _, err = s.LookupWebhook(t.Context(), "token", start)
		wantKind(t, err, ipaas.NotFound, "")
		if kept := w.execution(ex.ID); kept.State != ipaas.ExecutionRunning || kept.InstanceID != test {
			t.Errorf("the execution that runs is %+v", kept)
		}
		if kept := w.execution(queued.ID); kept.State != ipaas.ExecutionCanceled {
			t.Errorf("the execution that waits is %s", kept.State)
		}
		w.integration("erp")
	}},
	{"an_integration_with_instances_is_not_deleted", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.instance("i")
		wantKind(t, s.DeleteIntegration(t.Context(), "erp", 0, no), ipaas.Precondition, ipaas.ReasonInUse)
		w.delete("i")
		check(t, s.DeleteIntegration(t.Context(), "erp", 0, no))
	}},
	{"an_integration_whose_tests_left_objects_is_not_deleted", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		one, two := w.created(ipaas.TestInstanceID("erp"), ""), w.intent(ipaas.TestInstanceID("erp"), "")
		check(t, s.SettleRegistration(t.Context(), one.ID, ipaas.RegistrationRemoved, "", start))
		wantKind(t, s.DeleteIntegration(t.Context(), "erp", 0, no), ipaas.Precondition, ipaas.ReasonInUse)
		check(t, s.SettleRegistration(t.Context(), two.ID, ipaas.RegistrationAbandoned, "", start))
		check(t, s.DeleteIntegration(t.Context(), "erp", 0, no))
	}},
	{"an_integration_whose_test_instance_is_being_deployed_is_not_deleted", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		d := w.deployment(ipaas.TestInstanceID("erp"), definition("ERP", "orders"))
		d.Candidate.ConfigRevision = 0
		_, _, err := s.BeginDeployment(t.Context(), d, nil, 0)
		check(t, err)
		wantKind(t, s.DeleteIntegration(t.Context(), "erp", 0, no), ipaas.Conflict, ipaas.ReasonDeploymentRunning)
	}},
	{"a_definition_is_found_by_its_hash", func(t *testing.T, s storage.Store) {
		d := definition("Free", "a", "b")
		for range 2 {
			if hash := got(s.SaveDefinition(t.Context(), d))(t); hash != d.Hash() {
				t.Errorf("hash is %s, want %s", hash, d.Hash())
			}
		}
		same(t, "definition", d, got(s.GetDefinition(t.Context(), d.Hash()))(t))
		_, err := s.GetDefinition(t.Context(), "other")
		wantKind(t, err, ipaas.NotFound, "")
	}},
	{"definitions_of_versions_and_generations_stay", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		first, second := definition("ERP", "orders", "items"), definition("Second", "orders")
		w.instance("i")
		w.deploy("i", second)
		w.publish(definition("Third"))
		same(t, "version", first, got(s.GetDefinition(t.Context(), first.Hash()))(t))
		same(t, "generation", second, got(s.GetDefinition(t.Context(), second.Hash()))(t))
	}},
}

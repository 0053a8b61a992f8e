// Package storagetest is the contract of package storage as tests. Every backend runs them. Code
// may rely on nothing that they do not check.
//
// The tests share one store. Each works in a tenant of its own, so that a backend that mixes
// tenants up fails everywhere.
package storagetest

import (
	"testing"
)

// Durable tests a migrated store.
func Durable(t *testing.T, s Store) {
	for _, part := range []struct {
		name string
		test func(*testing.T, Store)
	}{
		{"tenants", testTenants},
		{"clients", testClients},
		{"outside clients", testOutside},
		{"users", testUsers},
		{"unique values", testUnique},
		{"groups", testGroups},
		{"large group", testLargeGroup},
		{"roles", testRoles},
		{"roles of what is removed", testRolesOfRemoved},
		{"belonging", testBelonging},
		{"administrators", testAdministrators},
		{"promoted meanwhile", testPromotedMeanwhile},
		{"role was", testRoleWas},
		{"users in", testUsersIn},
		{"names", testNames},
		{"answers", testAnswers},
		{"leases", testLeases},
		{"statistics", testStatistics},
		{"statistics of zones", testStatisticsOfZones},
		{"account numbers", testAccountNumbers},
		{"logins of apps", testTenantLogins},
		{"users of apps", testAppLogins},
		{"imports", testImports},
		{"credentials", testCredentials},
		{"identities", testIdentities},
		{"sessions", testSessions},
		{"sessions of administrators", testActing},
		{"consents", testConsents},
		{"grants", testGrants},
		{"grant lives", testGrantLives},
		{"ahead", testAhead},
		{"refresh", testRefresh},
		{"revoke", testRevoke},
		{"API keys", testAPIKeys},
		{"end of API keys", testEndAPIKeys},
		{"API keys die with their owners", testAPIKeysDie},
		{"spent", testSpent},
		{"keys", testKeys},
		{"audit", testAudit},
		{"standings", testStandings},
		{"last activity", testLastActivity},
		{"outbox", testOutbox},
		{"webhooks", testWebhooks},
		{"large webhook", testLargeWebhook},
		{"logouts", testLogouts},
		{"feed", testFeed},
		{"a feed that ends", testFeedEnds},
		{"codes", testCodes},
		{"changes", testChanges},
		{"endings", testEndings},
		{"sealed", testSealed},
		{"master secrets", testMasterSecrets},
		{"isolation", testIsolation},
		{"removal", testRemoval},
		{"large client", testLargeClient},
		{"large user", testLargePerson},
		{"large revocations", testLargeRevocations},
		{"interrupted removal", testInterruptedRemoval},
		{"restored", testRestored},
		{"races", testRaces},
		{"hostile text", testHostileText},
		{"contexts", testContexts},
		{"sweep", testSweep},
		{"history", testHistory},
	} {
		t.Run(part.name, func(t *testing.T) { part.test(t, s) })
	}
}

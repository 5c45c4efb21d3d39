/**
 * The modules that mutation testing covers: the files that are mutated, and the test files that are closest to them. A test
 * file that is not named does not run, so that one mutant costs seconds.
 */
export const modules = {
  waiting: {
    mutate: ["src/TokenPoller.ts", "src/internal/{waiting,alarm,budget,wake,scheduled}.ts"],
    tests: ["alarm", "budget", "wake", "waiting", "waitingSteps", "TokenPoller", "Consent", "ConsentSignal", "tags"]
  },
  consent: {
    mutate: [
      "src/{Consent,ConsentSeal,ConsentLedger,ConsentSignal}.ts",
      "src/internal/{strategies,handle,resume,ledgerMemory,ledgerStore,sealKeys,sealText}.ts"
    ],
    tests: ["Consent", "ConsentLedger", "ledgerEntries", "ConsentSeal", "ConsentSignal", "resume", "IdentityService", "tags"]
  },
  binding: {
    mutate: ["src/SessionBinding.ts", "src/internal/binding/*.ts"],
    tests: [
      "bindingParts",
      "SessionBindingRules",
      "SessionBindingEnd",
      "SessionBinding",
      "SessionBindingLimits",
      "SessionBindingServer"
    ]
  },
  revocation: {
    mutate: ["src/internal/{revocation,flights}.ts"],
    tests: ["revocation", "revocationKey", "flights"]
  },
  grant: {
    mutate: ["src/internal/{grant,tokenFlow}.ts"],
    tests: ["tokenFlow", "revocation", "revocationKey"]
  },
  retry: {
    mutate: ["src/RetryPolicy.ts", "src/internal/retry.ts"],
    tests: ["retry", "tags"]
  },
  check: {
    mutate: ["src/internal/check.ts"],
    tests: ["check", "checkLimits"]
  },
  service: {
    mutate: [
      "src/{IdentityService,AccessToken,ApiKey,WorkloadAccessToken}.ts",
      "src/internal/{administration,inject,optionNames}.ts"
    ],
    tests: ["serviceMethods", "administration", "AccessToken", "WorkloadAccessToken", "retry"]
  },
  aws: {
    mutate: ["src/AwsIdentity.ts", "src/internal/aws/{call,exceptions,exchange,reply,secrets,settings,signed}.ts"],
    tests: [
      "awsCall",
      "awsClients",
      "awsExceptions",
      "awsExchange",
      "awsReplyRules",
      "awsSecrets",
      "awsSettings",
      "AwsIdentity",
      "AwsIdentityFailures"
    ]
  },
  oauth: {
    mutate: [
      "src/FederatedIssuer.ts",
      "src/internal/{discoveryUrl,issuerChoice}.ts",
      "src/internal/federated/*.ts"
    ],
    tests: [
      "FederatedAddresses",
      "FederatedAsk",
      "FederatedAuthentication",
      "FederatedAuthorization",
      "FederatedJwtLimits",
      "FederatedLayer",
      "FederatedLookup",
      "FederatedMetadata",
      "FederatedRefusal",
      "FederatedRequests",
      "FederatedRoots",
      "FederatedSteps",
      "FederatedTemplate",
      "FederatedTokenResponses",
      "FederatedVerification",
      "discoveryUrl",
      "issuerChoice"
    ]
  },
  session: {
    mutate: ["src/internal/engine/{sessions,federation,tokens,grants,workloadTokens}.ts"],
    tests: ["completion", "tokenLifetimes", "tokenRequests", "tokenRules", "MemoryIdentity", "FederatedRaces", "IdentityService"]
  },
  persistence: {
    mutate: ["src/internal/engine/{storage,record}.ts", "src/internal/storage/*.ts"],
    tests: ["storage", "record", "level", "levelFolder", "classicLevel", "sealed", "StoredIdentity"]
  },
  signature: {
    mutate: ["src/internal/server/{signature,guard,tickets}.ts"],
    tests: ["signature", "guard", "tickets"]
  },
  pages: {
    mutate: ["src/internal/server/{form,html,quiet}.ts"],
    tests: ["form", "html", "quiet", "serverPages"]
  }
}

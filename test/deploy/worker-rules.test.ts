import { expect, test } from 'vitest';
import { parseAllDocuments, parseDocument } from 'yaml';

import {
  budgetProblems,
  podProblems,
  referenceProblems,
  scalerProblems,
  stageProblems,
  workloadProblems,
} from '../../deploy/check/worker-rules.mjs';
import { changed, manifest } from './manifest-files.js';

const pod = ['spec', 'template', 'spec'];
const container = [...pod, 'containers', 0];
const knownFlags = ['--stages', '--data', '--out', '--health', '--grace'];

const worker = parseDocument(`
kind: Deployment
metadata: { name: headwater-draft }
spec:
  replicas: 1
  strategy: { type: Recreate }
  selector: { matchLabels: { component: draft } }
  template:
    metadata: { labels: { component: draft } }
    spec:
      serviceAccountName: headwater
      automountServiceAccountToken: false
      terminationGracePeriodSeconds: 40
      securityContext: { runAsNonRoot: true, runAsUser: 10001, seccompProfile: { type: RuntimeDefault } }
      containers:
        - args: [run, recipe.yaml, --stages=draft, --data=/data, --out=/out, --health=0.0.0.0:8080, --grace=30]
          ports: [{ name: health }]
          startupProbe: { httpGet: { path: /healthz, port: health } }
          livenessProbe: { httpGet: { path: /healthz, port: health } }
          readinessProbe: { httpGet: { path: /readyz, port: health } }
          env: [{ name: BASE_KEY, valueFrom: { secretKeyRef: { name: models, key: base } } }]
          securityContext:
            { readOnlyRootFilesystem: true, allowPrivilegeEscalation: false, capabilities: { drop: [ALL] } }
          resources: { requests: { cpu: 1, memory: 1Gi }, limits: { memory: 1Gi } }
`);
const writer = changed(
  changed(worker, [...container, 'args', 2], '--stages=shard,manifest'),
  [...pod, 'volumes'],
  [{ persistentVolumeClaim: { claimName: 'shards' } }],
);
const others = parseAllDocuments(`
kind: PodDisruptionBudget
metadata: { name: draft }
spec: { maxUnavailable: 1, selector: { matchLabels: { component: draft } } }
---
kind: ServiceAccount
metadata: { name: headwater }
`).map((document) => manifest(document));
const secrets = [{ metadata: { name: 'models' }, stringData: { base: 'x' } }];

test('a worker that has everything has no problems', () => {
  const documents = [manifest(worker), ...others];
  expect(podProblems(documents)).toEqual([]);
  expect(workloadProblems(documents, { knownFlags })).toEqual([]);
  expect(stageProblems(documents, { stages: ['draft'] })).toEqual([]);
  expect(budgetProblems(documents)).toEqual([]);
  expect(referenceProblems(documents, secrets)).toEqual([]);
  expect(workloadProblems([manifest(writer)], { knownFlags })).toEqual([]);
});

test.each([
  ['no liveness probe', [...container, 'livenessProbe'], undefined, /livenessProbe/],
  ['readiness asked of the wrong path', [...container, 'readinessProbe', 'httpGet', 'path'], '/healthz', /readyz/],
  ['a probe at an unnamed port', [...container, 'startupProbe', 'httpGet', 'port'], 'web', /port/],
  ['killed before the grace is over', [...pod, 'terminationGracePeriodSeconds'], 35, /--grace=30/],
  ['root', [...pod, 'securityContext', 'runAsNonRoot'], false, /root/],
  ['a user by name', [...pod, 'securityContext', 'runAsUser'], undefined, /numeric user/],
  ['a writable root', [...container, 'securityContext', 'readOnlyRootFilesystem'], false, /root file system/],
  ['capabilities', [...container, 'securityContext', 'capabilities'], undefined, /capabilities/],
  ['a token', [...pod, 'automountServiceAccountToken'], true, /token/],
])('the pod: %s is a problem', (_, path, value, expected) => {
  const problems = podProblems([manifest(changed(worker, path, value))]);
  expect(problems).toEqual([expect.stringMatching(expected)]);
});

test.each([
  ['no requests', worker, [...container, 'resources', 'requests', 'cpu'], undefined, /requests no CPU/],
  ['a lower request of memory', worker, [...container, 'resources', 'requests', 'memory'], '1Mi', /limit of memory/],
  ['a limit of CPU', worker, [...container, 'resources', 'limits', 'cpu'], 1, /limit of CPU/],
  ['an unknown flag', worker, [...container, 'args', 0], '--fast=1', /--fast/],
  ['a flag left out', worker, [...container, 'args', 5], 'x', /lacks --health/],
  ['a volume for nothing', writer, [...container, 'args', 2], '--stages=draft', /for nothing/],
  ['two writers of one volume', writer, ['spec', 'replicas'], 2, /ReadWriteOnce/],
  ['a second pod beside the writer', writer, ['spec', 'strategy', 'type'], 'RollingUpdate', /second pod/],
])('the workload: %s is a problem', (_, document, path, value, expected) => {
  const problems = workloadProblems([manifest(changed(document, path, value))], { knownFlags });
  expect(problems).toEqual([expect.stringMatching(expected)]);
});

test('a stage that nobody runs, one that two run, and one that is not there are problems', () => {
  const documents = [manifest(worker), manifest(worker)];
  expect(stageProblems(documents, { stages: ['draft', 'plan'] })).toHaveLength(2);
  expect(stageProblems([manifest(worker)], { stages: [] })).toEqual(['there is no stage draft']);
});

test('a missing budget, a selector that misses its pods, and references to nothing are problems', () => {
  const document = manifest(worker);
  const elsewhere = manifest(changed(worker, ['spec', 'selector', 'matchLabels', 'component'], 'refine'));
  expect(budgetProblems([document])).toEqual([expect.stringMatching('0 disruption budgets')]);
  expect(budgetProblems([elsewhere, ...others])).toEqual([expect.stringMatching('its own pods')]);
  expect(referenceProblems([document], secrets)).toEqual([expect.stringMatching('ServiceAccount headwater')]);
  expect(referenceProblems([document, ...others], [])).toEqual([
    expect.stringMatching('key base of the secret models'),
  ]);
});

test('a trigger that does not fit the recipe is a problem, key by key', () => {
  const recipe = {
    models: { base: { maxInFlight: 64 } },
    topics: { brokers: ['a:1', 'b:2'], prefix: 'p', partitions: 4, ssl: true, sasl: { mechanism: 'scram-sha-256' } },
  };
  const facts = { recipe, inputs: { draft: 'plans' }, models: { draft: 'base' } };
  const scaler = parseDocument(`
kind: ScaledObject
metadata: { name: headwater-draft }
spec:
  scaleTargetRef: { name: headwater-draft }
  minReplicaCount: 1
  maxReplicaCount: 4
  triggers:
    - metadata:
        { bootstrapServers: 'a:1,b:2', consumerGroup: p.draft, topic: p.plans, lagThreshold: '64', sasl: scram_sha256, tls: enable }
`);
  const problemsOf = (path: readonly (string | number)[], value: unknown) =>
    scalerProblems([manifest(changed(scaler, path, value))], facts);
  const metadata = ['spec', 'triggers', 0, 'metadata'];
  expect(problemsOf(['metadata', 'labels'], {})).toEqual([]);
  for (const key of ['bootstrapServers', 'consumerGroup', 'topic', 'lagThreshold', 'sasl', 'tls']) {
    expect(problemsOf([...metadata, key], 'other')).toEqual([expect.stringContaining(key)]);
  }
  expect(problemsOf(['spec', 'maxReplicaCount'], 5)).toEqual([expect.stringContaining('4 partitions')]);
  expect(problemsOf(['spec', 'minReplicaCount'], 0)).toEqual([expect.stringContaining('zero')]);
  expect(scalerProblems([manifest(scaler), manifest(worker)], facts)).toEqual([expect.stringContaining('both set')]);
});

// What must hold of the workers' manifests beyond their schemas. Each rule takes parsed documents and returns its problems as sentences.

const workloadKinds = ['Deployment', 'Job'];

/** The Deployments and Jobs among the documents. */
export function workloads(documents) {
  return documents.filter(({ kind }) => workloadKinds.includes(kind));
}

/** What every pod has in common; for documents to which kustomize has added it. */
export function podProblems(documents) {
  return workloads(documents).flatMap((document) => {
    const { spec: pod } = document.spec.template;
    const [worker = {}] = pod.containers;
    const grace = Number(flagsOf(worker).get('--grace') ?? 10);
    return named(document, [
      ...['startupProbe', 'livenessProbe'].flatMap((probe) => probeProblems(worker, probe, '/healthz')),
      ...probeProblems(worker, 'readinessProbe', '/readyz'),
      unless(pod.terminationGracePeriodSeconds >= grace + 10, `is killed less than 10 s after --grace=${grace}`),
      unless(pod.securityContext?.runAsNonRoot === true, 'may run as root'),
      unless(pod.securityContext?.runAsUser > 0, 'has no numeric user'),
      unless(pod.securityContext?.seccompProfile?.type === 'RuntimeDefault', 'has no seccomp profile'),
      unless(pod.automountServiceAccountToken === false, 'gets a token of the cluster'),
      unless(worker.securityContext?.readOnlyRootFilesystem === true, 'can write its root file system'),
      unless(worker.securityContext?.allowPrivilegeEscalation === false, 'can gain privileges'),
      unless(worker.securityContext?.capabilities?.drop?.includes('ALL'), 'keeps capabilities'),
    ]);
  });
}

/** Resources, flags that the command knows, one writer of a volume that one node may mount. */
export function workloadProblems(documents, { knownFlags }) {
  return workloads(documents).flatMap((document) => {
    const { spec } = document;
    const pod = spec.template.spec;
    const [worker = {}] = pod.containers;
    const { requests = {}, limits = {} } = worker.resources ?? {};
    const flags = [...flagsOf(worker).keys()];
    const claims = (pod.volumes ?? []).flatMap(({ persistentVolumeClaim: claim }) => (claim ? [claim] : []));
    return named(document, [
      unless(requests.cpu && requests.memory, 'requests no CPU or no memory'),
      unless(limits.memory && limits.memory === requests.memory, 'has another limit of memory than it requests'),
      unless(!limits.cpu, 'has a limit of CPU, which would hold up heartbeats'),
      ...flags.map((flag) => unless(knownFlags.includes(flag), `has ${flag}, which \`headwater run\` does not know`)),
      ...['--data', '--out', '--health', '--stages'].map((flag) => unless(flags.includes(flag), `lacks ${flag}`)),
      unless(claims.length > 0 === writesFiles(document), 'writes shards without a volume, or has one for nothing'),
      unless(claims.length === 0 || (spec.replicas ?? spec.parallelism) === 1, 'shares a ReadWriteOnce volume'),
      unless(
        claims.length === 0 || document.kind === 'Job' || spec.strategy?.type === 'Recreate',
        'starts a second pod beside the one that has the volume',
      ),
    ]);
  });
}

/** Every stage is run by exactly one group of workers. */
export function stageProblems(documents, { stages }) {
  const run = workloads(documents).flatMap(stagesOf);
  return [
    ...stages.map((stage) => {
      const groups = run.filter((each) => each === stage).length;
      return unless(groups === 1, `the stage ${stage} is run by ${groups} groups of workers`);
    }),
    ...run.map((stage) => unless(stages.includes(stage), `there is no stage ${stage}`)),
  ].filter(Boolean);
}

/** Every Deployment has one disruption budget, and no budget or selector misses its pods. */
export function budgetProblems(documents) {
  const budgets = documents.filter(({ kind }) => kind === 'PodDisruptionBudget');
  const deployments = documents.filter(({ kind }) => kind === 'Deployment');
  return deployments.flatMap((document) => {
    const { labels } = document.spec.template.metadata;
    const fitting = budgets.filter(({ spec }) => selects(spec.selector, labels));
    return named(document, [
      unless(selects(document.spec.selector, labels), 'does not select its own pods'),
      unless(fitting.length === 1, `has ${fitting.length} disruption budgets`),
    ]);
  });
}

/** What workers and KEDA refer to exists: config maps, claims, accounts, and keys of secrets. */
export function referenceProblems(documents, secrets) {
  const there = new Set(documents.map(({ kind, metadata }) => `${kind}/${metadata.name}`));
  const keys = new Set(
    secrets.flatMap(({ metadata, stringData }) => Object.keys(stringData).map((key) => `${metadata.name}/${key}`)),
  );
  const needed = (document, kind, name) =>
    named(document, [unless(there.has(`${kind}/${name}`), `needs ${kind} ${name}`)]);
  const secret = (document, name, key) =>
    named(document, [unless(keys.has(`${name}/${key}`), `needs the key ${key} of the secret ${name}`)]);
  return documents.flatMap((document) => {
    if (document.kind === 'TriggerAuthentication') {
      return document.spec.secretTargetRef.flatMap(({ name, key }) => secret(document, name, key));
    }
    if (document.kind === 'ScaledObject') {
      return [
        ...needed(document, 'Deployment', document.spec.scaleTargetRef.name),
        ...document.spec.triggers.flatMap((trigger) =>
          needed(document, 'TriggerAuthentication', trigger.authenticationRef?.name),
        ),
      ];
    }
    if (!workloadKinds.includes(document.kind)) return [];
    const pod = document.spec.template.spec;
    const sources = (pod.volumes ?? []).flatMap((volume) => [volume, ...(volume.projected?.sources ?? [])]);
    const variables = pod.containers.flatMap(({ env = [] }) => env);
    return [
      ...needed(document, 'ServiceAccount', pod.serviceAccountName),
      ...sources.flatMap((source) => [
        ...(source.configMap ? needed(document, 'ConfigMap', source.configMap.name) : []),
        ...(source.persistentVolumeClaim
          ? needed(document, 'PersistentVolumeClaim', source.persistentVolumeClaim.claimName)
          : []),
        ...(source.secret?.items ?? []).flatMap(({ key }) => secret(document, source.secret.name, key)),
      ]),
      ...variables.flatMap(({ valueFrom }) =>
        valueFrom?.secretKeyRef ? secret(document, valueFrom.secretKeyRef.name, valueFrom.secretKeyRef.key) : [],
      ),
    ];
  });
}

/**
 * KEDA looks at the group and topic that the recipe gives a stage, on the recipe's brokers, and starts no worker that would have
 * no partition. `inputs` names the topic that each stage consumes, `models` the model that it asks.
 */
export function scalerProblems(documents, { recipe, inputs, models }) {
  const { topics } = recipe;
  const prefix = topics.prefix ?? recipe.name;
  const scalers = documents.filter(({ kind }) => kind === 'ScaledObject');
  return scalers.flatMap((document) => {
    const { spec } = document;
    const stage = spec.scaleTargetRef.name.replace(/^headwater-/, '');
    const [{ metadata = {} } = {}] = spec.triggers;
    const expected = {
      bootstrapServers: topics.brokers.join(','),
      consumerGroup: `${prefix}.${stage}`,
      topic: `${prefix}.${inputs[stage]}`,
      lagThreshold: String(recipe.models[models[stage]]?.maxInFlight),
      sasl: topics.sasl
        ? topics.sasl.mechanism.replace('scram-sha-', 'scram_sha').replace(/^plain$/, 'plaintext')
        : 'none',
      tls: topics.ssl ? 'enable' : 'disable',
    };
    const target = documents.find(
      ({ kind, metadata: { name } }) => kind === 'Deployment' && name === spec.scaleTargetRef.name,
    );
    return named(document, [
      ...Object.entries(expected).map(([key, value]) =>
        unless(metadata[key] === value, `has ${key} ${metadata[key]}, and the recipe asks for ${value}`),
      ),
      unless(
        spec.maxReplicaCount === topics.partitions,
        `has maxReplicaCount ${spec.maxReplicaCount} for ${topics.partitions} partitions`,
      ),
      unless(spec.minReplicaCount >= 1, 'may go to zero workers, and a planner would wait for the last lines for ever'),
      unless(target?.spec.replicas === undefined, 'and its Deployment both set the number of replicas'),
    ]);
  });
}

/** The stages of a group of workers. */
function stagesOf({ spec }) {
  return (flagsOf(spec.template.spec.containers[0]).get('--stages') ?? '').split(',').filter(Boolean);
}

/** The flags of a container, `--name=value`. */
function flagsOf({ args = [] }) {
  return new Map(
    args.filter((arg) => arg.startsWith('--')).map((arg) => [arg.split('=', 1)[0], arg.slice(arg.indexOf('=') + 1)]),
  );
}

function writesFiles(document) {
  return stagesOf(document).some((stage) => stage === 'shard' || stage === 'manifest');
}

function probeProblems(worker, probe, path) {
  const ports = (worker.ports ?? []).map(({ name }) => name);
  const get = worker[probe]?.httpGet;
  return [
    unless(get?.path === path, `has no ${probe} at ${path}`),
    unless(get === undefined || ports.includes(get.port), `has a ${probe} at a port that it does not name`),
  ];
}

function selects(selector, labels) {
  return Object.entries(selector.matchLabels).every(([key, value]) => labels?.[key] === value);
}

function unless(holds, problem) {
  return holds ? undefined : problem;
}

function named({ kind, metadata }, problems) {
  return problems.filter(Boolean).map((problem) => `${kind} ${metadata.name} ${problem}`);
}

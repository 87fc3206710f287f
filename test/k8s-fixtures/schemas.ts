import type { Resource } from "./resources.ts";

/** The packages that hold the schemas of custom resources, by their group. All others are Kubernetes' own. */
const packages: Readonly<Record<string, string>> = {
  "keda.sh": "@kubernetes-models/keda",
  "monitoring.coreos.com": "@kubernetes-models/prometheus-operator",
  "gateway.networking.k8s.io": "@kubernetes-models/gateway-api",
};

/** Returns the module that has the class and the type of a resource. */
export const moduleOf = ({ apiVersion, kind }: Resource): string =>
  `${packages[apiVersion.split("/")[0]!] ?? "kubernetes-models"}/${apiVersion}/${kind}`;

interface Model {
  validate(): void;
}

/** Checks a resource. Throws the error that the API server would have for a field that is wrong, or is missing. */
export async function validate(resource: Resource): Promise<void> {
  const models = (await import(moduleOf(resource))) as Record<string, new (resource: Resource) => Model>;
  new models[resource.kind]!(resource).validate();
}

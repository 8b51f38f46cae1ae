// SPDX-License-Identifier: MPL-2.0
// What the generators need to know of a parsed schema.
import protobuf from 'protobufjs';

export interface EnumInfo {
  /** `Operation`, or `GapReason` for an enum inside a message. */
  name: string;
  /** Spelled as in the schema, in order of value. */
  values: { name: string; value: number; comment: string | null }[];
}

export interface FieldInfo {
  number: number;
  /** As in the schema: `prefix_len`. */
  name: string;
  /** In TypeScript: `prefixLen`. */
  camel: string;
  /** Scalar type, or 'enum'. */
  type: 'bytes' | 'bool' | 'uint32' | 'uint64' | 'int64' | 'enum';
  enumName?: string;
  /** As beside the field in the schema: meaning and unit. */
  comment: string | null;
}

export interface MessageInfo {
  name: string;
  fields: FieldInfo[];
}

const scalars = ['bytes', 'bool', 'uint32', 'uint64', 'int64'] as const;

export const camel = (name: string) => name.replace(/_([a-z])/g, (_, c: string) => c.toUpperCase());
export const pascal = (name: string) => {
  const c = camel(name.toLowerCase());
  return c.charAt(0).toUpperCase() + c.slice(1);
};

function enumName(item: protobuf.Enum): string {
  return item.parent instanceof protobuf.Type ? item.parent.name + item.name : item.name;
}

function fieldInfo(field: protobuf.Field): FieldInfo {
  const { id: number, name, comment } = field;
  const base = { number, name, camel: camel(name), comment };
  if (field.repeated || field.map) throw new Error(`${field.fullName}: repeated fields are not generated`);
  if (field.resolvedType instanceof protobuf.Enum) {
    return { ...base, type: 'enum', enumName: enumName(field.resolvedType) };
  }
  const type = scalars.find((s) => s === field.type);
  if (type === undefined) throw new Error(`${field.fullName}: type ${field.type} is not generated`);
  return { ...base, type };
}

export function enumsOf(schema: protobuf.Namespace): EnumInfo[] {
  const found: EnumInfo[] = [];
  for (const item of schema.nestedArray) {
    if (item instanceof protobuf.Enum) {
      const values = Object.entries(item.values).map(([name, value]) => ({
        name,
        value,
        comment: item.comments[name] ?? null,
      }));
      found.push({ name: enumName(item), values: values.sort((a, b) => a.value - b.value) });
    } else if (item instanceof protobuf.Namespace) {
      found.push(...enumsOf(item));
    }
  }
  return found;
}

export function messagesOf(schema: protobuf.Namespace): MessageInfo[] {
  return schema.nestedArray
    .filter((item) => item instanceof protobuf.Type)
    .map((item) => ({
      name: item.name,
      fields: [...item.fieldsArray].sort((a, b) => a.id - b.id).map(fieldInfo),
    }));
}

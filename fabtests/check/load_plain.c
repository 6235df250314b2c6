// SPDX-License-Identifier: BSD-2-Clause
// A plain C program, without the C++ runtime of its own, loads the plugin the way libfabric does and finds a provider.
#include <dlfcn.h>
#include <rdma/fabric.h>
#include <rdma/fi_ext_anchor.h>
#include <rdma/providers/fi_prov.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct fi_provider* (*Initialise)(void);

static int fail(const char* reason) {
  printf("not ok 1 - %s\n", reason);
  return 1;
}

// The parameters and the log of a provider live in libfabric, which sets them up in its first fi_getinfo. That one must
// not find the plugin: this program is to be the first to load it.
static void start_libfabric(void) {
  struct fi_info* list = NULL;
  setenv("FI_PROVIDER_PATH", "/nonexistent", 1);
  if (fi_getinfo(FI_VERSION(1, 17), NULL, NULL, 0, NULL, &list) == 0) fi_freeinfo(list);
}

int main(void) {
  printf("1..1\n");
  char path[4096];
  const char* folder = getenv("FI_PROVIDER_PATH");
  if (!folder) return fail("FI_PROVIDER_PATH is not set");
  snprintf(path, sizeof path, "%s/libanchor-fi.so", folder);
  start_libfabric();

  void* library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!library) return fail(dlerror());
  Initialise initialise;
  *(void**)&initialise = dlsym(library, "fi_prov_ini");
  if (!initialise) return fail(dlerror());

  struct fi_provider* provider = initialise();
  if (!provider) return fail("the plugin declines to load");
  if (strcmp(provider->name, "anchor") != 0) return fail("it is not called anchor");
  if (!provider->getinfo || !provider->fabric || !provider->cleanup) return fail("an entry point is missing");
  if (provider->fi_version != fi_version()) return fail("it does not take on the version of the library that loads it");
  if (dlclose(library) != 0) return fail(dlerror());
  printf("ok 1 - loads, declares itself and unloads\n");
  return 0;
}

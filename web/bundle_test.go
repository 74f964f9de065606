package web

import (
	"io/fs"
	"strings"
	"testing"
)

func TestBundleGivesOnlyModules(t *testing.T) {
	for _, name := range []string{"", ".js", "README.md", "x.js", "../bundle.go", "../dist/rongcloud.js", "dist/rongcloud.js"} {
		if _, ok := Bundle(name); ok {
			t.Errorf("Bundle(%q) is there, want nothing", name)
		}
	}
}

// A page needs the SDK of its own cloud, whatever others are there.
func TestBundleMissingForAnUnknownCloud(t *testing.T) {
	for _, cloud := range []string{"", "none", "imbridge-client"} {
		if _, there := Bundle(cloud + ".js"); !there && !BundleMissing(cloud) {
			t.Errorf("BundleMissing(%q) = false, want true", cloud)
		}
	}
}

func TestBundleGivesWhatWasMade(t *testing.T) {
	files, err := fs.Glob(bundles, "dist/*")
	if err != nil || len(files) == 0 {
		t.Fatalf("nothing is embedded (%v), want README.md at least", err)
	}
	for _, file := range files {
		name := strings.TrimPrefix(file, "dist/")
		if module, ok := Bundle(name); ok != strings.HasSuffix(name, ".js") || (ok && len(module) == 0) {
			t.Errorf("Bundle(%q) = %d bytes, %v; want the module", name, len(module), ok)
		}
	}
}

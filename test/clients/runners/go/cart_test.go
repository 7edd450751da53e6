package cart

import (
	"fmt"
	"testing"
)

func TestAdds(t *testing.T) {
	fmt.Println("printed while adding")
	t.Log("logged while adding")
}

func TestTotals(t *testing.T) {
	t.Run("of two", func(t *testing.T) {
		t.Errorf("total: got %d, want %d", 41, 42)
	})
}

func TestShips(t *testing.T) {
	t.Skip("no carrier yet")
}

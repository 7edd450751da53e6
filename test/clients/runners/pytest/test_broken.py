raise TypeError("cannot be imported")

/// An unfinished inversion and the state that its method needs to continue.
struct UnfinishedInversion: Equatable {
  var inversion: Inversion
  /// The state of ``GlobalNullText`` between sweeps; nil before and after them.
  var sweeps: GlobalNullText.Sweeps?

  init(_ inversion: Inversion, sweeps: GlobalNullText.Sweeps? = nil) {
    self.inversion = inversion
    self.sweeps = sweeps
  }
}

/// An inversion under way, with what its method must remember to go on.
struct UnfinishedInversion: Equatable {
  var inversion: Inversion
  /// The sweeps of ``GlobalNullText`` so far; nil before and after them.
  var sweeps: GlobalNullText.Sweeps?

  init(_ inversion: Inversion, sweeps: GlobalNullText.Sweeps? = nil) {
    self.inversion = inversion
    self.sweeps = sweeps
  }
}

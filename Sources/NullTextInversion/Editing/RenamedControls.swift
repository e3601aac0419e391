/// The name of ``MasaCtrl`` in older versions.
@available(*, deprecated, renamed: "MasaCtrl")
public typealias MutualSelfAttention = MasaCtrl

/// The name of ``SDEdit`` in older versions.
@available(*, deprecated, renamed: "SDEdit")
public typealias LateStart = SDEdit

extension EditControl {
  /// The name of ``masaCtrl(_:)`` in older versions.
  @available(*, deprecated, renamed: "masaCtrl")
  public static func mutualSelfAttention(_ settings: MasaCtrl = MasaCtrl()) -> EditControl {
    .masaCtrl(settings)
  }

  /// The name of ``sdEdit(_:)`` in older versions.
  @available(*, deprecated, renamed: "sdEdit")
  public static func lateStart(_ settings: SDEdit) -> EditControl { .sdEdit(settings) }
}

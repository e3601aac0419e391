/// The former name of ``MasaCtrl``.
@available(*, deprecated, renamed: "MasaCtrl")
public typealias MutualSelfAttention = MasaCtrl

/// The former name of ``SDEdit``.
@available(*, deprecated, renamed: "SDEdit")
public typealias LateStart = SDEdit

extension EditControl {
  /// The former name of ``masaCtrl(_:)``.
  @available(*, deprecated, renamed: "masaCtrl")
  public static func mutualSelfAttention(_ settings: MasaCtrl = MasaCtrl()) -> EditControl {
    .masaCtrl(settings)
  }

  /// The former name of ``sdEdit(_:)``.
  @available(*, deprecated, renamed: "sdEdit")
  public static func lateStart(_ settings: SDEdit) -> EditControl { .sdEdit(settings) }
}
